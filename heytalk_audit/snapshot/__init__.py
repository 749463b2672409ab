"""From files to tables on an engine: import, deliver, profile, seal, gate, open."""
