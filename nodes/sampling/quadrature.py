"""Decides how the weights of a multistep method are worked out: integrals of the polynomials through its earlier evaluations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

POINTS = 24
"""Of Gauss and Legendre: exact for polynomials of degree 47, and to rounding for the smooth weights here."""


def integral(of: Callable[[float], float], low: float, high: float) -> float:
    """From low to high, which may lie below."""
    centre, half = (low + high) / 2, (high - low) / 2
    return sum(half * share * of(centre + half * at) for at, share in _gauss_legendre())


def lagrange_weights(
    nodes: Sequence[float],
    low: float,
    high: float,
    *,
    weight: Callable[[float], float] = lambda _: 1.0,
    place: Callable[[float], float] = lambda at: at,
) -> list[float]:
    """For each node, the integral from low to high of weight times the polynomial that is 1 there and 0 at the other nodes.

    Sum of value * weight over the nodes then integrates the polynomial through all values. The polynomial is one in place(at),
    and the nodes are given there.
    """

    def basis(j: int, at: float) -> float:
        product = 1.0
        for k, node in enumerate(nodes):
            if k != j:
                product *= (at - node) / (nodes[j] - node)
        return product

    return [integral(lambda at, j=j: weight(at) * basis(j, place(at)), low, high) for j in range(len(nodes))]  # type: ignore[misc]


@cache
def _gauss_legendre() -> tuple[tuple[float, float], ...]:
    from numpy.polynomial.legendre import leggauss

    at, share = leggauss(POINTS)
    return tuple(zip(at.tolist(), share.tolist(), strict=True))
