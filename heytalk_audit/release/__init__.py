"""What leaves is searched first: every file of a run or export, for values of people that stand in the snapshot. A hit stops it."""
