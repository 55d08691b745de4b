"""The network as a graph: nodes, shapes and operation kinds, and a zoo of published ones."""

from crossbar.workload.builder import WorkloadBuilder
from crossbar.workload.catalogue import find_workload, zoo, zoo_names
from crossbar.workload.checks import validate
from crossbar.workload.graph import Matrix, Node, Workload
from crossbar.workload.serial import from_json, load, save, to_json

__all__ = [
    "Matrix",
    "Node",
    "Workload",
    "WorkloadBuilder",
    "find_workload",
    "from_json",
    "load",
    "save",
    "to_json",
    "validate",
    "zoo",
    "zoo_names",
]
