"""Decides which solvers there are: a further one is a function in the file of its kind, a name and a row here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from nodes.sampling.adams import deis, ipndm, lms
from nodes.sampling.ancestral import ddim, ddpm, dpm_2_ancestral, dpmpp_2s_ancestral, euler_ancestral, lcm
from nodes.sampling.cfg_pp import (
    dpmpp_2m_cfg_pp,
    dpmpp_2s_ancestral_cfg_pp,
    euler_ancestral_cfg_pp,
    euler_cfg_pp,
    gradient_estimation_cfg_pp,
    res_multistep_cfg_pp,
)
from nodes.sampling.multistep import dpmpp_2m, gradient_estimation, res_multistep
from nodes.sampling.one_step import dpm_2, euler, heun
from nodes.sampling.predictor_corrector import sa_solver, uni_pc, uni_pc_bh2
from nodes.sampling.step import Run, Solver, Step
from nodes.sampling.stochastic import dpmpp_2m_sde, dpmpp_2m_sde_heun, dpmpp_3m_sde, dpmpp_sde, er_sde

SamplerName = Literal[
    "euler", "euler_ancestral", "heun", "dpm_2", "dpm_2_ancestral", "lms", "dpmpp_2s_ancestral", "dpmpp_sde",
    "dpmpp_2m", "dpmpp_2m_sde", "dpmpp_2m_sde_heun", "dpmpp_3m_sde", "ddim", "ddpm", "uni_pc", "uni_pc_bh2", "deis", "ipndm",
    "res_multistep", "lcm", "er_sde", "sa_solver", "gradient_estimation",
    "euler_cfg_pp", "euler_ancestral_cfg_pp", "dpmpp_2s_ancestral_cfg_pp", "dpmpp_2m_cfg_pp", "res_multistep_cfg_pp",
    "gradient_estimation_cfg_pp",
]  # fmt: skip

WithOptions: TypeAlias = Callable[..., Iterator[Step]]
"""A ``Solver`` whose keywords may be given."""

SOLVERS: Final[Mapping[SamplerName, WithOptions]] = MappingProxyType(
    {
        "euler": euler,
        "euler_ancestral": euler_ancestral,
        "heun": heun,
        "dpm_2": dpm_2,
        "dpm_2_ancestral": dpm_2_ancestral,
        "lms": lms,
        "dpmpp_2s_ancestral": dpmpp_2s_ancestral,
        "dpmpp_sde": dpmpp_sde,
        "dpmpp_2m": dpmpp_2m,
        "dpmpp_2m_sde": dpmpp_2m_sde,
        "dpmpp_2m_sde_heun": dpmpp_2m_sde_heun,
        "dpmpp_3m_sde": dpmpp_3m_sde,
        "ddim": ddim,
        "ddpm": ddpm,
        "uni_pc": uni_pc,
        "uni_pc_bh2": uni_pc_bh2,
        "deis": deis,
        "ipndm": ipndm,
        "res_multistep": res_multistep,
        "lcm": lcm,
        "er_sde": er_sde,
        "sa_solver": sa_solver,
        "gradient_estimation": gradient_estimation,
        "euler_cfg_pp": euler_cfg_pp,
        "euler_ancestral_cfg_pp": euler_ancestral_cfg_pp,
        "dpmpp_2s_ancestral_cfg_pp": dpmpp_2s_ancestral_cfg_pp,
        "dpmpp_2m_cfg_pp": dpmpp_2m_cfg_pp,
        "res_multistep_cfg_pp": res_multistep_cfg_pp,
        "gradient_estimation_cfg_pp": gradient_estimation_cfg_pp,
    }
)


def options_of(name: SamplerName) -> Mapping[str, Any]:
    """The options of a solver with their defaults."""
    parameters = inspect.signature(SOLVERS[name]).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}


def solver(name: SamplerName, options: Mapping[str, Any] = MappingProxyType({})) -> Solver:
    """A solver with options set. Raises ValueError for one that it does not have."""
    if unknown := set(options) - set(options_of(name)):
        known = ", ".join(options_of(name)) or "none"
        raise ValueError(f"{name} has no option {min(unknown)}; its options are: {known}")
    return partial(SOLVERS[name], **options)


__all__ = ["SOLVERS", "Run", "SamplerName", "Solver", "Step", "options_of", "solver"]
