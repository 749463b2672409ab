"""A regulator's letter: questions in, a folder of numbered answers out, each made of facts, rules or a statement."""
