"""Studies: axes and conditions, the points they make, their store, their tables and pictures."""
