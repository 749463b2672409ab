"""Run an audit, replay it, plan it: notebooks in, a folder of evidence out."""
