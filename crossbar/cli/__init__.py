"""The command line: ``crossbar run | estimate | arch | workload | report``."""
