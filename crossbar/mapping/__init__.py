"""Integers to codes, slices, blocks and places on the chip."""

from crossbar.mapping.build import build_plan
from crossbar.mapping.plan import LayerPlan, Plan
from crossbar.mapping.unmapped import Unmapped

__all__ = ["LayerPlan", "Plan", "Unmapped", "build_plan"]
