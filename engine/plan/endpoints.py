"""Files of servers, which a plan names as `@FILE`: one base URL a line, `#` begins a comment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.errors import PlanError, Problem
from engine.plan.values import endpoint_problem


def endpoints_in_file(path: Path) -> tuple[str, ...]:
    """The base URLs in a file, each once, as it is now.

    A file that is missing or empty is no mistake: its servers may still be starting.

    Raises:
        PlanError: it cannot be read, or lines of it are no URLs.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        problem = Problem("endpoints", f"cannot be read: {why}", source=str(path))
        raise PlanError("a file of endpoints cannot be read", (problem,)) from None
    lines = [(number, line.partition("#")[0].strip()) for number, line in enumerate(text.splitlines(), 1)]
    problems = tuple(_problems(lines, str(path)))
    if problems:
        raise PlanError("a file of endpoints has lines that are none", problems)
    return tuple(dict.fromkeys(url for _, url in lines if url))


def _problems(lines: list[tuple[int, str]], source: str) -> Iterator[Problem]:
    for number, url in lines:
        if url and (message := endpoint_problem(url)):
            yield Problem("endpoints", message, number, source)
