"""Models that `torch.export` refuses: they run as they are, and one run is recorded."""
