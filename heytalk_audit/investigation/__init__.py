"""A case: one person or one incident looked into, with a purpose, two people and a log of every look-up."""
