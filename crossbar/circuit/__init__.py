"""The circuits around the cells: behaviour and cost of one component in one file."""
