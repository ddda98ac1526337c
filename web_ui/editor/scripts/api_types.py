"""Decides how the API's models and the codes of its sentences are written in TypeScript.

``python web_ui/editor/scripts/api_types.py`` writes ``src/api/types.ts``.

A test runs it with ``--check``, so that the editor's types cannot drift from the server's.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from graph_engine.sentences import say as engine_says
from web_ui import schema
from web_ui.sentences import say as server_says

TARGET = Path(__file__).parents[1] / "src" / "api" / "types.ts"
ASKED = ("Request", "Write", "Change")
"""Endings of models that are sent to the server: what has a default may be left out there, and is always there in an answer."""
HEADER = """// Written by scripts/api_types.py from web_ui/schema.py. Do not edit.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
"""
PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def typescript() -> str:
    """All models, in the order of the module."""
    models = [
        found
        for found in vars(schema).values()
        if inspect.isclass(found) and issubclass(found, schema.Model) and found is not schema.Model
    ]
    pairs = [(model, "validation" if model.__name__.endswith(ASKED) else "serialization") for model in models]
    _, described = models_json_schema(pairs, ref_template="{model}")  # type: ignore[arg-type]
    definitions = described["$defs"]
    codes = "\n".join(f'  | "{code}"' for code in sorted([*engine_says, *server_says]))
    return f"{HEADER}\nexport type SentenceCode =\n{codes};\n" + "".join(
        f"\n{_interface(model.__name__, definitions[model.__name__])}" for model in models
    )


def _interface(name: str, model: dict[str, Any]) -> str:
    required = set(model.get("required", ()))
    lines = [f"  {key}{'' if key in required else '?'}: {_type(of)};\n" for key, of in model.get("properties", {}).items()]
    return f"export interface {name} {{\n{''.join(lines)}}}\n"


def _type(of: dict[str, Any]) -> str:
    if "$ref" in of:
        return "Json" if of["$ref"] == "JsonValue" else str(of["$ref"])
    if "const" in of:
        return f'"{of["const"]}"'
    if "enum" in of:
        return " | ".join(f'"{value}"' for value in of["enum"])
    if "anyOf" in of:
        return " | ".join(dict.fromkeys(_type(option) for option in of["anyOf"]))
    if of.get("type") == "array":
        item = _type(of["items"])
        return f"({item})[]" if "|" in item else f"{item}[]"
    if of.get("type") == "object":
        inner = of.get("additionalProperties")
        return f"Record<string, {_type(inner) if isinstance(inner, dict) else 'Json'}>"
    return PLAIN.get(of.get("type", ""), "Json")


if __name__ == "__main__":
    text = typescript()
    if "--check" in sys.argv:
        sys.exit(None if TARGET.read_text(encoding="utf-8") == text else f"{TARGET} is out of date: run this script.")
    TARGET.write_text(text, encoding="utf-8")
