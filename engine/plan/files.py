"""From a plan's name to its text, and from text to tables with lines."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from engine.errors import PlanError, Problem
from engine.plan.document import Document, Origin
from engine.plan.findings import nearest
from engine.plan.lines import line_numbers
from engine.plan.secrets import scrubbed
from engine.plan.shipped import list_shipped

MAX_BYTES = 1_000_000

_DEEPEST_KEY = 64
_DEEP_KEY = re.compile(
    rf"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{_DEEPEST_KEY}}}""", re.ASCII
)
"""A dotted key so deep takes tomllib time that grows with its square, and a walk more depth than Python has."""
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def open_plan(path_or_name: str | Path) -> Document:
    """The document that a shipped name or a path stands for. `./pocket` is a file where `pocket` is shipped.

    Raises:
        PlanError: there is none, it cannot be read, is no UTF-8, or no TOML.
    """
    shipped = {plan.name: plan.path for plan in list_shipped()}
    path = shipped.get(str(path_or_name), Path(path_or_name))
    source = path.name if str(path_or_name) in shipped else str(path_or_name)
    return parse_plan(_text(path, source, list(shipped)), source, path.absolute().parent, path.stem)


def parse_plan(text: str, source: str, folder: Path, stem: str) -> Document:
    """The document of a text, with the line of every value.

    Raises:
        PlanError: it is no TOML; with line and column.
    """
    if not text.strip():
        raise _unreadable(source, "is empty; `arena-tui plan new` writes a plan")
    if _DEEP_KEY.search(text):
        raise _unreadable(source, "is nested too deeply for a plan")
    try:
        data = tomllib.loads(text)
        lines = line_numbers(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(source, text, str(error)) from None
    except RecursionError:
        raise _unreadable(source, "is nested too deeply for a plan") from None
    except ValueError:
        raise _unreadable(source, "holds a number with too many digits") from None
    return Document(source, folder, stem, data, {path: Origin(source, line) for path, line in lines.items()})


def _text(path: Path, source: str, shipped: list[str]) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise _unreadable(source, "is a folder; a plan is a TOML file") from None
    except FileNotFoundError:
        raise _not_found(path, source, shipped) from None
    except (OSError, ValueError) as error:
        raise _unreadable(source, f"cannot be read: {getattr(error, 'strerror', error)}") from error
    if len(content) > MAX_BYTES:
        raise _unreadable(source, f"is larger than {MAX_BYTES // 1000} kB: this is no plan")
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        kind = "UTF-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "not UTF-8"
        raise _unreadable(source, f"is {kind}: save it as UTF-8", line) from None


def _not_found(path: Path, source: str, shipped: list[str]) -> PlanError:
    beside = [file.name for file in path.parent.glob("*.toml")] if path.parent.is_dir() else []
    message = f"there is no such file, and no shipped plan of that name ({', '.join(shipped)})"
    return _unreadable(source, message, near=nearest(path.name, [*shipped, *beside]))


def _syntax_error(source: str, text: str, message: str) -> PlanError:
    place = _PLACE.search(message)
    line, column = (place[1], place[2]) if place else (None, None)
    what = _PLACE.sub("", message)
    what = f"no valid TOML: {what[:1].lower()}{what[1:]}"
    if line is None:
        return _unreadable(
            source, f"{what} at the end of the file", text.count("\n", 0, len(text.rstrip())) + 1
        )
    return _unreadable(source, f"{what}, column {column}", int(line))


def _unreadable(source: str, message: str, line: int | None = None, near: str | None = None) -> PlanError:
    problem = Problem("", scrubbed(message), line, source, near)
    return PlanError(f"the plan {source} cannot be read", (problem,))
