"""From files to tables on an engine: deliver, import, profile, seal, gate, open."""
