"""The demo as a company: most rules pass, a dozen fail for reasons that a story explains, and three quarters show the same people."""
