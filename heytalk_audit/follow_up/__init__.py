"""An audit beside the one before it: which rows changed, and why."""
