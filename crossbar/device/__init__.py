"""What a cell is: levels and their errors, drift, noise, current, faults, and what it costs."""
