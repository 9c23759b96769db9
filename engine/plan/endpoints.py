"""The servers of a model, as its entry in the plan names them: URLs, or files of URLs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.errors import PlanError, Problem
from engine.plan.model import ModelPlan
from engine.plan.values import endpoint_problem


def endpoint_urls(entry: ModelPlan) -> tuple[str, ...]:
    """The base URLs of an entry, each once; a `@FILE` is read now: one URL a line, `#` begins a comment.

    An empty file is no mistake: its servers may still be starting.

    Raises:
        PlanError: a file cannot be read, or lines of it are no URLs.
    """
    urls: dict[str, None] = {}
    for endpoint in entry.endpoints or ():
        if endpoint.startswith("@"):
            urls |= dict.fromkeys(_in_file(Path(endpoint[1:])))
        else:
            urls[endpoint] = None
    return tuple(urls)


def _in_file(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        problem = Problem("endpoints", f"cannot be read: {why}", source=str(path))
        raise PlanError("a file of endpoints cannot be read", (problem,)) from None
    lines = [(number, line.partition("#")[0].strip()) for number, line in enumerate(text.splitlines(), 1)]
    problems = tuple(_problems(lines, str(path)))
    if problems:
        raise PlanError("a file of endpoints has lines that are none", problems)
    return [url for _, url in lines if url]


def _problems(lines: list[tuple[int, str]], source: str) -> Iterator[Problem]:
    for number, url in lines:
        if url and (message := endpoint_problem(url)):
            yield Problem("endpoints", message, number, source)
