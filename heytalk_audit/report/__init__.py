"""The report: results in, pages out. It sees aggregates and pseudonyms alone."""
