"""What a cell is: its faults so far; levels, variation, drift and noise come with the device models."""
