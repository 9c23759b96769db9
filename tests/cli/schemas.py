"""The documented shapes of JSON output."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

FOLDER = Path(__file__).parents[2] / "docs" / "reference" / "schemas"


@cache
def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def check_event(event: Any) -> None:
    """An event of a run has the shape of its kind, no field more or less."""
    check("events", event["event"], event)


def check_command(shape: str, document: Any) -> None:
    """The document of a command has its shape, no field more or less."""
    check("commands", shape, document)


def check(name: str, shape: str, document: Any) -> None:
    whole = {"$ref": f"#/$defs/{shape}".replace(" ", "%20"), "$defs": schema(name)["$defs"]}
    jsonschema.Draft202012Validator(whole).validate(document)
