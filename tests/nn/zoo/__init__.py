"""Networks as architects bring them, in plain torch, small."""
