"""Benchmark scripts, and the networks and data that they use."""
