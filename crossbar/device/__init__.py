"""What a cell is: its faults and its cost."""
