"""A secret is a name everywhere but where a node asks for it."""

from __future__ import annotations

import pytest

from graph_engine import Context, Engine, Request, Workflow, node
from graph_engine.errors import LoomError, NodeError
from graph_engine.registry import of_functions
from graph_engine.secrets import STRUCK_OUT, Secrets

SECRETS = Secrets({"LOOM_SECRET_HUB_TOKEN": "hf_abc123", "LOOM_SECRET_LONGER": "hf_abc123xyz"})


@node("toy.download", version=1, category="x")
def download(token: str, fails: bool = False, *, context: Context) -> int:
    """Use a token."""
    found = context.secret(token)
    if fails:
        raise ValueError(f"401 for Bearer {found}")
    return len(found)


def run(**values: object) -> Engine:
    engine = Engine(of_functions(download), secrets=SECRETS)
    workflow = Workflow.model_validate(
        {"nodes": {"d": {"type": "toy.download", "values": values}}, "outputs": {"n": {"from": "d.value"}}}
    )
    result = engine.run(Request(workflow=workflow))
    engine.close()
    result.raise_errors()
    assert result.outputs == {"n": 9}
    return engine


def test_a_node_gets_the_secret_that_its_input_names() -> None:
    run(token="hub_token")


def test_what_a_failing_node_says_is_told_without_the_secret() -> None:
    with pytest.raises(NodeError) as raised:
        run(token="hub_token", fails=True)
    assert "hf_abc123" not in str(raised.value)
    assert f"401 for Bearer {STRUCK_OUT}" in raised.value.cause


def test_a_secret_that_is_not_there_is_told_by_name_with_what_to_do() -> None:
    with pytest.raises(LoomError, match="no secret called 'other': set the environment variable LOOM_SECRET_OTHER"):
        SECRETS.get("other")


@pytest.mark.parametrize("name", ["", "hf_abc 123", "../x", "a" * 65, "PATH\0"])
def test_what_is_no_name_is_refused_without_being_repeated(name: str) -> None:
    with pytest.raises(LoomError, match="never the secret itself") as raised:
        SECRETS.get(name)
    assert not name or name not in str(raised.value)


def test_a_secret_within_another_is_struck_out_whole() -> None:
    secrets = Secrets({"LOOM_SECRET_A": "abc", "LOOM_SECRET_B": "abcdef"})
    assert secrets.redact("abcdef abc") == "abcdef abc"
    secrets.get("a")
    secrets.get("b")
    assert secrets.redact("abcdef abc") == f"{STRUCK_OUT} {STRUCK_OUT}"
