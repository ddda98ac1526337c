from __future__ import annotations

import pytest

from graph_engine import Engine, NodeInputError, Request, building
from graph_engine.registry import of_functions
from nodes.calculate import calculate
from nodes.flow import switch


def test_a_switch_passes_on_what_was_chosen() -> None:
    assert switch("yes", None, condition=True) == "yes"
    assert switch(None, 0, condition=False) == 0


@pytest.mark.parametrize(("condition", "input"), [(True, "if_true"), (False, "if_false")])
def test_a_choice_of_nothing_is_refused(condition: bool, input: str) -> None:
    with pytest.raises(NodeInputError, match="Nothing is linked to it, and it was chosen") as caught:
        switch(None, None, condition=condition)
    assert caught.value.input == input


def test_only_the_chosen_way_is_worked_out() -> None:
    with building() as graph:
        decided = calculate(formula="a > 10", a=graph.input("a", 1))
        works, fails = calculate(formula="a * 2", a=4), calculate(formula="1 / 0")
        graph.output("chosen", switch(fails.integer, works.integer, condition=decided.truth))
    with Engine(of_functions(calculate, switch)) as engine:
        found = engine.run(Request(workflow=graph.workflow))
        assert found.outputs == {"chosen": 8}
        assert "calculate_3" not in found.ran
        failed = engine.run(Request(workflow=graph.workflow, given={"a": 11}))
        assert [error.cause for error in failed.errors] == ["formula: It divides by 0."]
