"""What a signature and a docstring say of a node, and how a contradiction is refused."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, TypeVar

import pytest

from graph_engine import Choice, Colour, Context, DeclarationError, Lazy, Multiline, Range, Seed, Strokes, node, socket_type
from graph_engine.declare import spec_of
from graph_engine.spec import REQUIRED
from graph_engine.types import ANY, BOOL, FLOAT, INT, TEXT, ListOf, Named, Union, Variable
from tests.graph_engine.toys import Latent, Picture, Vae, add

C = TypeVar("C")
L = TypeVar("L")


@socket_type("Model")
@dataclass(frozen=True)
class Model(Generic[C, L]):
    name: str = ""


@socket_type("Picture")
@dataclass(frozen=True)
class OtherPicture:
    name: str = ""


class Unmarked:
    pass


class Encoded(NamedTuple):
    latent: Latent[L]
    mean: float


def any_folder(_folders: object) -> list[str]:
    return ["a"]


def whole_document(
    model: Model[C, L],
    prompt: Annotated[str, Multiline()],
    pictures: list[Picture],
    either: int | str,
    anything: Any,
    fixed: Latent[Literal["sd1"]],
    *,
    sampler: Literal["euler", "heun"] = "heun",
    steps: Annotated[int, Range(1, 1000, unit="steps")] = 20,
    cfg: Annotated[float, Range(0, 30, exclude_minimum=True)] = 5,
    seed: Annotated[int, Seed()] = 0,
    file: Annotated[str, Choice(any_folder, "picture", "Add one.")] = "a",
    ground: Annotated[str, Colour()] = "#203040",
    drawing: Annotated[str, Strokes()] = "",
    mask: Picture | None = None,
    strength: Optional[float] = None,  # noqa: UP045  (the old spelling is read too)
    tiled: bool = False,
    many: tuple[float, ...],
    context: Context,
) -> Encoded:
    """Do it all.

    Some more words
    on two lines.

    Args:
        steps: how many steps,
            over two lines
        cfg: how strictly
    Returns:
        mean: the mean
    """
    raise NotImplementedError


WHOLE = spec_of(node("toy.whole_document", version=3, category="all", lane="device")(whole_document))


def test_sockets_come_from_annotations() -> None:
    assert {name: item.type for name, item in WHOLE.inputs.items()} == {
        "model": Named("Model", (Variable("C"), Variable("L"))),
        "prompt": TEXT,
        "pictures": ListOf(Named("Picture")),
        "either": Union((INT, TEXT)),
        "anything": ANY,
        "fixed": Named("Latent", (Named("sd1"),)),
        "sampler": TEXT,
        "steps": INT,
        "cfg": FLOAT,
        "seed": INT,
        "file": TEXT,
        "ground": TEXT,
        "drawing": TEXT,
        "mask": Named("Picture"),
        "strength": FLOAT,
        "tiled": BOOL,
        "many": ListOf(FLOAT),
    }


def test_the_context_is_no_input() -> None:
    assert WHOLE.context_parameter == "context"
    assert "context" not in WHOLE.inputs


def test_widgets_come_from_annotations_and_defaults() -> None:
    inputs = WHOLE.inputs
    assert inputs["sampler"].choices == ("euler", "heun")
    assert inputs["sampler"].default == "heun"
    assert str(inputs["steps"].range) == "[1, 1000] steps"
    assert str(inputs["cfg"].range) == "(0, 30]"
    assert inputs["seed"].seed
    assert 2**64 - 1 in inputs["seed"].range
    assert 2**64 not in inputs["seed"].range
    assert inputs["prompt"].multiline
    assert not inputs["prompt"].colour
    assert inputs["ground"].colour
    assert not inputs["ground"].multiline
    assert inputs["drawing"].strokes
    assert inputs["drawing"].multiline
    assert inputs["file"].choice.what == "picture"
    assert inputs["tiled"].default is False


def test_what_has_no_default_is_required_unless_it_is_optional() -> None:
    required = {name for name, item in WHOLE.inputs.items() if item.required}
    assert required == {"model", "prompt", "pictures", "either", "anything", "fixed", "many"}
    assert WHOLE.inputs["mask"].default is None
    assert WHOLE.inputs["strength"].default is None


def test_help_comes_from_the_docstring() -> None:
    assert WHOLE.summary == "Do it all."
    assert WHOLE.description == "Some more words\non two lines."
    assert WHOLE.inputs["steps"].help == "how many steps, over two lines"
    assert WHOLE.inputs["cfg"].help == "how strictly"
    assert WHOLE.outputs["mean"].help == "the mean"


def test_several_outputs_are_a_named_tuple() -> None:
    assert WHOLE.many_outputs
    assert {name: item.type for name, item in WHOLE.outputs.items()} == {
        "latent": Named("Latent", (Variable("L"),)),
        "mean": FLOAT,
    }


def test_title_version_and_lane_are_kept() -> None:
    assert (WHOLE.title, WHOLE.version, WHOLE.lane, WHOLE.category) == ("Whole document", 3, "device", "all")


def test_a_single_output_is_named_after_its_type_or_as_asked() -> None:
    def give() -> Picture:
        """Give."""
        raise NotImplementedError

    def gives() -> list[Picture]:
        """Give."""
        raise NotImplementedError

    def nothing() -> None:
        """Give nothing."""

    assert list(spec_of(node("toy.give", version=1, category="x")(give)).outputs) == ["picture"]
    assert list(spec_of(node("toy.gives", version=1, category="x")(gives)).outputs) == ["pictures"]
    assert list(spec_of(node("toy.named", version=1, category="x", output="image")(give)).outputs) == ["image"]
    assert list(spec_of(node("toy.nothing", version=1, category="x")(nothing)).outputs) == []
    assert list(spec_of(add).outputs) == ["value"]


def test_a_lazy_input_is_marked_and_needs_no_default() -> None:
    def choose(which: bool, left: Lazy[Picture], right: Lazy[Picture] = None) -> Picture:
        """Choose."""
        raise NotImplementedError

    spec = spec_of(node("toy.choose", version=1, category="x", needs=lambda _values: {"left"})(choose))
    assert [name for name, item in spec.inputs.items() if item.lazy] == ["left", "right"]
    assert spec.inputs["left"].type == Named("Picture")
    assert spec.inputs["left"].default is REQUIRED
    assert spec.inputs["right"].default is None


def test_a_default_may_be_of_any_type_that_the_input_takes() -> None:
    def free(a: int | str = 5, b: Any = 1.5, c: list[float] = [1, 2], d: tuple[str, ...] = ("x",)) -> float:  # noqa: B006
        """Take defaults."""
        raise NotImplementedError

    inputs = spec_of(node("toy.free", version=1, category="x")(free)).inputs
    assert (inputs["a"].default, inputs["b"].default) == (5, 1.5)
    assert (list(inputs["c"].default), list(inputs["d"].default)) == ([1, 2], ["x"])


def test_the_decorated_function_stays_an_ordinary_function() -> None:
    assert add(1.0, b=2.0) == 3.0
    assert add.__name__ == "add"
    assert add.__doc__ == "Add two numbers."


def test_an_async_function_stays_one_and_is_known_as_one() -> None:
    async def later(value: float = 2.0) -> float:
        """Wait."""
        await asyncio.sleep(0)
        return value

    declared = node("toy.later", version=1, category="x")(later)
    assert spec_of(declared).asynchronous
    assert asyncio.run(declared(4.0)) == 4.0  # type: ignore[arg-type]


# what contradicts itself


def no_docstring(value: float) -> float:
    return value


def no_annotation(value) -> float:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """X."""


def no_result(value: float):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """X."""


def star(*values: float) -> float:
    """X."""
    return 0.0


def double_star(**values: float) -> float:
    """X."""
    return 0.0


def positional(value: float, /) -> float:
    """X."""
    return value


def unmarked(value: Unmarked) -> float:
    """X."""
    return 0.0


def unmarked_result() -> Unmarked:
    """X."""
    return Unmarked()


def unknown_name(value: DoesNotExist) -> float:  # type: ignore[name-defined]  # noqa: F821
    """X."""
    return 0.0


def none_default(value: float = None) -> float:  # type: ignore[assignment]  # noqa: RUF013
    """X."""
    return value


def wrong_default(value: int = 1.5) -> float:  # type: ignore[assignment]
    """X."""
    return value


def bool_default(value: int = True) -> float:
    """X."""
    return value


def wrong_list_default(value: list[float] = ["a"]) -> float:  # type: ignore[list-item]  # noqa: B006
    """X."""
    return 0.0


def outside(value: Annotated[float, Range(0, 1)] = 2.0) -> float:
    """X."""
    return value


def empty_range(value: Annotated[float, Range(5, 1)]) -> float:
    """X."""
    return value


def no_choice(value: Literal["a", "b"] = "c") -> float:  # type: ignore[assignment]
    """X."""
    return 0.0


def number_choice(value: Literal[1, 2] = 1) -> float:
    """X."""
    return value


def range_of_text(value: Annotated[str, Range(0, 1)]) -> float:
    """X."""
    return 0.0


def multiline_number(value: Annotated[int, Multiline()]) -> float:
    """X."""
    return 0.0


def colour_number(value: Annotated[int, Colour()]) -> float:
    """X."""
    return value


def fractional_seed(value: Annotated[float, Seed()]) -> float:
    """X."""
    return 0.0


def wrong_parameter(value: Latent[int]) -> float:
    """X."""
    return 0.0


def documented_input(value: float) -> float:
    """X.

    Args:
        valeu: misspelt
    """
    return value


def documented_output(value: float) -> float:
    """X.

    Returns:
        valeu: misspelt
    """
    return value


def sentence_as_example(value: float) -> float:
    """X.

    Example:
        use it well
    """
    raise NotImplementedError


def example_of_another(value: float) -> float:
    """X.

    Example:
        fine(value=1.0)
    """
    raise NotImplementedError


def stale_example(value: float) -> float:
    """X.

    Example:
        stale_example(strength=1.0)
    """
    raise NotImplementedError


def wrong_example(value: Annotated[float, Range(0, 1)]) -> float:
    """X.

    Example:
        wrong_example(value=2.0)
    """
    raise NotImplementedError


def unbound(value: float) -> Latent[L]:
    """X."""
    raise NotImplementedError


def lazy_alone(value: Lazy[float]) -> float:
    """X."""
    raise NotImplementedError


def two_classes(first: Picture, second: OtherPicture) -> float:
    """X."""
    raise NotImplementedError


def fine(value: float) -> float:
    """X."""
    return value


def pair(value: float) -> Encoded:
    """X."""
    raise NotImplementedError


CONTRADICTIONS: list[tuple[Callable[..., Any], dict[str, Any], str]] = [
    (no_docstring, {}, "toy.x has no docstring: its first line is what a user reads first."),
    (no_annotation, {}, "toy.x: parameter 'value' has no type annotation."),
    (no_result, {}, "toy.x has no return annotation: say what the node gives."),
    (star, {}, "toy.x: parameter 'values' is * or **: every input needs a name of its own."),
    (double_star, {}, "toy.x: parameter 'values' is * or **: every input needs a name of its own."),
    (positional, {}, "toy.x: parameter 'value' is positional-only"),
    (unmarked, {}, "which is no socket type: decorate the class with @socket_type."),
    (unmarked_result, {}, "toy.x: the result is a <class"),
    (unknown_name, {}, "toy.x: name 'DoesNotExist' is not defined"),
    (none_default, {}, "toy.x: parameter 'value' has the default None but its type does not allow it: write '| None'."),
    (wrong_default, {}, "toy.x: parameter 'value' has the default 1.5, which is no int."),
    (bool_default, {}, "toy.x: parameter 'value' has the default True, which is no int."),
    (wrong_list_default, {}, "toy.x: parameter 'value' has the default ['a'], which is no list[float]."),
    (outside, {}, "toy.x: parameter 'value' has the default 2.0, which lies outside [0, 1]."),
    (empty_range, {}, "toy.x: parameter 'value' has the range [5, 1], which holds no number."),
    (no_choice, {}, "toy.x: parameter 'value' has the default 'c', which is none of its choices."),
    (number_choice, {}, "toy.x: parameter 'value' has a choice that is no text: a Literal of an input holds texts only."),
    (range_of_text, {}, "toy.x: parameter 'value' has a range but is text: only a number has one."),
    (multiline_number, {}, "toy.x: parameter 'value' is declared as a text field but is int."),
    (colour_number, {}, "toy.x: parameter 'value' is declared as a text field but is int."),
    (fractional_seed, {}, "toy.x: parameter 'value' is a seed but is float: a seed is an int."),
    (wrong_parameter, {}, "use a TypeVar or a Literal with one text."),
    (documented_input, {}, "toy.x: the docstring describes the input 'valeu', which does not exist."),
    (documented_output, {}, "toy.x: the docstring describes the output 'valeu', which does not exist."),
    (sentence_as_example, {}, "toy.x: the example is no Python expression: invalid syntax"),
    (example_of_another, {}, "toy.x: the example must be one call of example_of_another(…)."),
    (stale_example, {}, "toy.x: the example gives 'strength', which is no input."),
    (wrong_example, {}, "toy.x: the example gives 'value' a wrong value: 2.0 lies outside [0, 1]."),
    (unbound, {}, "toy.x: the output 'latent' uses L, which no input binds: add an input or resolve_types=…."),
    (lazy_alone, {}, "toy.x: lazy inputs and needs=… belong together, and only one of them is there."),
    (fine, {"needs": lambda _values: set()}, "toy.x: lazy inputs and needs=… belong together, and only one of them is there."),
    (two_classes, {}, "uses two classes for the socket type Picture: rename one."),
    (fine, {"lane": "gpu"}, "toy.x: there is no lane 'gpu': use cpu, disk or device."),
    (fine, {"version": 0}, "toy.x: versions count from 1, and migrations start from versions below 0."),
    (fine, {"migrations": {1: dict}}, "toy.x: versions count from 1, and migrations start from versions below 1."),
    (
        fine,
        {"volatile": True, "fingerprint": lambda _values, _folders: ""},
        "toy.x: it is volatile, so its fingerprint would never be used.",
    ),
    (pair, {"output": "x"}, "toy.x: output='x' is for a node with a single output."),
    (fine, {"output": "my picture"}, "toy.x: 'my picture' is no name for an output: use letters, digits and _."),
]


@pytest.mark.parametrize(("function", "options", "sentence"), CONTRADICTIONS, ids=lambda item: getattr(item, "__name__", ""))
def test_a_declaration_that_contradicts_itself_fails_with_a_sentence(
    function: Callable[..., Any], options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(DeclarationError, match=re.escape(sentence)):
        node("toy.x", **{"version": 1, "category": "x", **options})(function)


@pytest.mark.parametrize("name", ["sample", "Toy.sample", "toy.", ".x", "toy..x", "toy.sam ple", "", "toy.x\n"])
def test_a_node_type_is_a_pack_and_a_name(name: str) -> None:
    with pytest.raises(DeclarationError, match=r"is no node type: write pack\.name in lower case, such as 'loom\.sample'"):
        node(name, version=1, category="x")(fine)


def test_type_parameters_may_be_fixed_by_a_literal() -> None:
    def fixed(vae: Vae[Literal["sdxl"]]) -> Latent[Literal["sdxl"]]:
        """X."""
        raise NotImplementedError

    spec = spec_of(node("toy.fixed", version=1, category="x")(fixed))
    assert spec.outputs["latent"].type == Named("Latent", (Named("sdxl"),))


def test_an_example_is_a_call_that_a_user_can_copy() -> None:
    def scaled(picture: Picture, value: float = 1.0) -> float:
        """X.

        Args:
            value: How much.

        Example:
            scaled(
                photo, value=2
            )
        """
        raise NotImplementedError

    spec = spec_of(node("toy.scaled", version=1, category="x")(scaled))
    assert spec.example == "scaled(\n    photo, value=2\n)"
    assert spec.inputs["value"].help == "How much."
