"""Programmed crossbars that can be read."""
