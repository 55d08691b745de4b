"""Capture: from a PyTorch model to a program, its layers with weights and its workload."""
