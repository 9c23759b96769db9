"""Write the reference pages from the code and the schemas: `python docs/make_reference.py`.

    docs/reference/cli.md      every command with its options, as `--help` shows them
    docs/reference/events.md   the JSON lines of a run, from schemas/events.json
    docs/reference/json.md     the JSON of commands, from schemas/commands.json

A test runs this and compares, so that the pages are never older than the program.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from arena_tui.cli.main import ENTRIES, app
from arena_tui.cli.tree import SETTINGS
from arena_tui.inert import inert

FOLDER = Path(__file__).parent / "reference"
WIDTH = 100
MADE = "<!-- Made by docs/make_reference.py: edit the code or the schema, and run it again. -->\n"


def pages() -> dict[str, str]:
    """The pages by file name."""
    return {
        "cli.md": "".join(cli_page()),
        "events.md": "".join(schema_page(_schema("events"))),
        "json.md": "".join(schema_page(_schema("commands"))),
    }


def cli_page() -> Iterator[str]:
    """Every command under its section, each as its own help."""
    yield f"{MADE}\n# Commands\n\n"
    yield _help((), typer.main.get_command(app))
    for section in dict.fromkeys(entry.section for entry in ENTRIES):
        yield f"\n## {section}\n"
        for entry in (entry for entry in ENTRIES if entry.section == section):
            yield from _with_commands_below((entry.name,), entry.load())


def _with_commands_below(path: tuple[str, ...], command: Any) -> Iterator[str]:
    yield f"\n### arena-tui {' '.join(path)}\n\n"
    yield _help(path, command)
    for name, below in getattr(command, "commands", {}).items():
        yield from _with_commands_below((*path, name), below)


def _help(path: tuple[str, ...], command: Any) -> str:
    context = command.context_class(
        command, info_name=" ".join(("arena-tui", *path)), terminal_width=WIDTH, **SETTINGS
    )
    return f"```text\n{inert(command.get_help(context), lines=True)}\n```\n"


def schema_page(schema: dict[str, Any]) -> Iterator[str]:
    """A schema as tables, one for each shape."""
    yield f"{MADE}\n# {schema['title']}\n\n{schema['description']}\n"
    for name, shape in schema["$defs"].items():
        yield f"\n## {name}\n\n{shape['description']}"
        if shape["type"] == "array":
            yield f" An array of {_link(shape['items'])}.\n"
        else:
            yield "\n\n| field | type | meaning |\n| --- | --- | --- |\n"
            yield "".join(_row(field, about) for field, about in shape["properties"].items())


def _row(field: str, about: dict[str, Any]) -> str:
    return f"| `{field}` | {_type(about)} | {about.get('description', '').replace('|', chr(92) + '|')} |\n"


def _type(about: dict[str, Any]) -> str:
    """The type of a field in words."""
    if "$ref" in about:
        return _link(about)
    if "anyOf" in about:
        return " or ".join(_type(one) for one in about["anyOf"])
    if "enum" in about:
        return ", ".join("null" if one is None else f"`{one}`" for one in about["enum"])
    kinds = about.get("type", "any")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return " or ".join(_named(kind, about) for kind in kinds)


def _named(kind: str, about: dict[str, Any]) -> str:
    if kind == "array":
        return f"array of {_type(about['items'])}"
    if kind == "object" and isinstance(about.get("additionalProperties"), dict):
        return f"object: name to {_type(about['additionalProperties'])}"
    return kind


def _link(about: dict[str, Any]) -> str:
    name = about["$ref"].rpartition("/")[2]
    return f"[{name}](#{name.replace(' ', '-')})"


def _schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def main() -> None:
    """Write the pages."""
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
