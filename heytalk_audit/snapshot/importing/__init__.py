"""A snapshot from a source with other names of tables and columns: a mapping holds, per table of the contract, one SELECT on the source."""
