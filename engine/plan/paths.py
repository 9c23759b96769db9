"""Relative paths of a plan: those in a file start at its folder, those of `--set` where the command is run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.plan.document import SET, Document
from engine.plan.findings import Finding
from engine.plan.keypath import KeyPath, value_at

_PATHLIKE = ("/", "./", "../", "~")


def resolve_paths(document: Document) -> list[Finding]:
    """Make the paths of a document absolute, in place. What has to be there and is not is told."""
    findings = []
    for path, must_be in _places(document.data):
        held, last = value_at(document.data, path[:-1]), path[-1]
        value = held[last]
        prefix = "@" if value.startswith("@") else ""
        found = _absolute(_from(document, path), value.removeprefix(prefix))
        if must_be == "if there" and not value.startswith(_PATHLIKE) and not _is_there(found):
            continue
        held[last] = prefix + str(found)
        if must_be != "later" and not _is_there(found):
            findings.append(Finding(path, f"there is no such file: {found}"))
        elif must_be == "file" and found.is_dir():
            findings.append(Finding(path, f"is a folder, expected a file: {found}"))
    return findings


def _absolute(base: Path, text: str) -> Path:
    """The path from a base; `~` and `..` are left standing where they lead nowhere."""
    path = Path(text)
    try:
        return (base / path.expanduser()).resolve()
    except (OSError, RuntimeError, ValueError):
        return base / path


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _from(document: Document, path: KeyPath) -> Path:
    return Path.cwd() if document.origin(path).source == SET else document.folder


def _places(data: dict[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Where paths stand, and what has to be there: a `file`, `something`, anything `later`, or, `if there` is
    something or the value is written as a path, that; a name otherwise."""
    candidates: list[tuple[KeyPath, str]] = [
        (("prompts", "file"), "file"),
        (("run", "mirror"), "later"),
        (("flywheel", "base"), "if there"),
    ]
    for section in ("players", "judges"):
        entries = data.get(section)
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            if isinstance(entry, dict):
                candidates += [((section, name, *path), must_be) for path, must_be in _model_places(entry)]
    for path, must_be in candidates:
        try:
            value = value_at(data, path)
        except LookupError:
            continue
        if isinstance(value, str) and value not in ("", "@") and not value.startswith(("store:", "pocket:")):
            yield path, must_be


def _model_places(entry: dict[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    endpoints = entry.get("endpoints")
    if endpoints is None and entry.get("kind") != "recorded":
        yield ("model",), "if there"
    if isinstance(endpoints, str) and endpoints.startswith("@"):
        yield ("endpoints",), "later"
    elif isinstance(endpoints, list):
        for place, endpoint in enumerate(endpoints):
            if isinstance(endpoint, str) and endpoint.startswith("@"):
                yield ("endpoints", place), "later"
    template = entry.get("template")
    if isinstance(template, str) and ("/" in template or "." in template):
        yield ("template",), "file"
    python = entry.get("python")
    if isinstance(python, str) and "/" in python:
        yield ("python",), "something"
    yield ("tokenizer",), "if there"
