"""Decides which solvers there are: a further one is a function in the file of its kind, a name and a row here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from nodes.sampling.ancestral import euler_ancestral
from nodes.sampling.multistep import dpmpp_2m
from nodes.sampling.one_step import euler
from nodes.sampling.step import Solver, Step, StepNoise

__all__ = ["SOLVERS", "SamplerName", "Solver", "Step", "StepNoise", "dpmpp_2m", "euler", "euler_ancestral"]

SamplerName = Literal["euler", "euler_ancestral", "dpmpp_2m"]

SOLVERS: Final[Mapping[SamplerName, Solver]] = MappingProxyType(
    {"euler": euler, "euler_ancestral": euler_ancestral, "dpmpp_2m": dpmpp_2m}
)
