"""The sections of the harness: each module has a function `measure`."""
