"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is: fine, worth knowing, or in the way of a run."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found.

    Attributes:
        topic: what it is about, in a word or two.
        text: the facts, in one line.
        mend: what to do about it; empty where nothing is to be done.
    """

    topic: str
    level: Level
    text: str
    mend: str = ""


def fine(topic: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(topic, Level.OK, text)


def warning(topic: str, text: str, mend: str = "") -> Finding:
    """Worth knowing."""
    return Finding(topic, Level.WARNING, text, mend)


def problem(topic: str, text: str, mend: str) -> Finding:
    """In the way of a run."""
    return Finding(topic, Level.PROBLEM, text, mend)
