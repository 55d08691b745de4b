"""The command line: ``crossbar run | arch | workload | report``."""
