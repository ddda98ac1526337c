"""Which link is allowed, and what a refusal says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_engine.types import (
    ANY,
    BOOL,
    FLOAT,
    INT,
    TEXT,
    Bindings,
    ListOf,
    Named,
    SocketType,
    Union,
    Variable,
    refusal,
    substitute,
    variables,
)

IMAGE, MASK = Named("Image"), Named("Mask")
SD1, SDXL = Named("sd1"), Named("sdxl")
L, C = Variable("L"), Variable("C")


def latent(of: SocketType) -> Named:
    return Named("Latent", (of,))


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (INT, INT),
        (INT, FLOAT),
        (IMAGE, ANY),
        (ANY, IMAGE),
        (IMAGE, Union((IMAGE, MASK))),
        (INT, Union((TEXT, FLOAT))),
        (Union((IMAGE, MASK)), Union((MASK, IMAGE, TEXT))),
        (Union((INT, FLOAT)), FLOAT),
        (ListOf(INT), ListOf(FLOAT)),
        (latent(SD1), latent(SD1)),
        (latent(SD1), latent(L)),
        (latent(L), latent(SD1)),
        (IMAGE, L),
        (ListOf(IMAGE), ListOf(L)),
        (ListOf(IMAGE), L),
    ],
)
def test_a_fitting_link_is_allowed(got: SocketType, want: SocketType) -> None:
    assert refusal(got, want, {}) is None


@pytest.mark.parametrize(
    ("got", "want", "reason"),
    [
        (FLOAT, INT, "it is a float, and an int is needed"),
        (BOOL, INT, "it is a bool, and an int is needed"),
        (BOOL, FLOAT, "it is a bool, and a float is needed"),
        (TEXT, FLOAT, "it is a text, and a float is needed"),
        (INT, TEXT, "it is an int, and a text is needed"),
        (IMAGE, MASK, "it is an Image, and a Mask is needed"),
        (IMAGE, Union((MASK, TEXT)), "it is an Image, and one of Mask, text is needed"),
        (Union((IMAGE, MASK)), IMAGE, "it is a Mask, and an Image is needed"),
        (Union((IMAGE, TEXT)), Union((IMAGE, MASK)), "it is a text, and one of Image, Mask is needed"),
        (ListOf(IMAGE), IMAGE, "it is a list[Image], and an Image is needed"),
        (ListOf(FLOAT), ListOf(INT), "it is a float, and an int is needed"),
        (latent(SD1), latent(SDXL), "Latent: it is a sd1, and a sdxl is needed"),
    ],
)
def test_a_refusal_says_what_came_and_what_is_needed(got: SocketType, want: SocketType, reason: str) -> None:
    assert refusal(got, want, {}) == reason


def test_a_variable_is_bound_by_the_first_link_and_holds_for_the_second() -> None:
    bindings: Bindings = {}
    assert refusal(Named("Vae", (SD1,)), Named("Vae", (L,)), bindings) is None
    assert bindings == {"L": SD1}
    assert refusal(latent(SD1), latent(L), bindings) is None
    assert refusal(latent(SDXL), latent(L), bindings) == "Latent: it is for sdxl, but another input of this node is for sd1"


def test_an_unknown_latent_format_agrees_with_every_one_and_learns_nothing_wrong() -> None:
    bindings: Bindings = {}
    assert refusal(latent(Variable("unknown")), latent(L), bindings) is None
    assert refusal(latent(SD1), latent(L), bindings) is None
    assert bindings == {"L": SD1}


def test_a_refused_option_of_a_union_leaves_no_binding_behind() -> None:
    bindings: Bindings = {}
    pair = Named("Pair", (L, SD1))
    assert refusal(Named("Pair", (SDXL, SDXL)), Union((pair, Named("Pair", (SDXL, C)))), bindings) is None
    assert bindings == {"C": SDXL}


def test_substitution_reaches_into_lists_unions_and_parameters() -> None:
    wanted = Union((ListOf(latent(L)), Named("Model", (C, L)), C))
    assert substitute(wanted, {"L": SD1}) == Union((ListOf(latent(SD1)), Named("Model", (C, SD1)), C))
    assert variables(wanted) == {"L", "C"}
    assert variables(substitute(wanted, {"L": SD1, "C": TEXT})) == frozenset()


def test_a_type_is_written_as_in_python() -> None:
    assert str(Named("Model", (Named("clip_l"), SD1))) == "Model[clip_l, sd1]"
    assert str(ListOf(Union((IMAGE, TEXT)))) == "list[Image | text]"
    assert str(ANY) == "any"


names = st.sampled_from(["Image", "Mask", "int", "float", "text", "bool"])
formats = st.sampled_from([SD1, SDXL]).map(latent)
closed = st.recursive(
    names.map(Named) | formats, lambda inner: inner.map(ListOf) | st.tuples(inner, inner).map(Union), max_leaves=4
)
open_ = st.recursive(
    names.map(Named) | formats | st.sampled_from([L, C, latent(L), ANY]),
    lambda inner: inner.map(ListOf) | st.tuples(inner, inner).map(Union),
    max_leaves=4,
)


@given(open_)
def test_every_type_fits_itself(of: SocketType) -> None:
    assert refusal(of, of, {}) is None


@given(closed, open_)
def test_what_was_let_in_is_let_in_again_once_the_variables_are_replaced(got: SocketType, want: SocketType) -> None:
    bindings: Bindings = {}
    if refusal(got, want, bindings) is None:
        assert refusal(got, substitute(want, bindings), {}) is None


@given(closed, closed)
def test_without_variables_a_link_never_binds_anything(got: SocketType, want: SocketType) -> None:
    bindings: Bindings = {}
    refusal(got, want, bindings)
    assert bindings == {}


@given(closed)
def test_everything_enters_any(got: SocketType) -> None:
    assert refusal(got, ANY, {}) is None


@given(closed, closed, closed)
def test_a_refusal_is_one_sentence_without_a_line_break(got: SocketType, want: SocketType, other: SocketType) -> None:
    reason = refusal(got, Union((want, other)), {})
    assert reason is None or (reason.startswith("it is") and "\n" not in reason)
