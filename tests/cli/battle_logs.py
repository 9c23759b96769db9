"""Small battle logs for commands to be run on."""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

HOSTILE_NAMES = (
    "plain",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b]52;c;aGk=\x07",
    "\x9b31mc1",
    "a\u202ebidi\u2066",
    "zero\u200bwidth\ufeff",
    "\U000e0041\U000e0042tags",
    "=SUM(A1)",
    "@import",
    "-dash",
    "nan",
    "[bold]markup[/bold]",
    "<script>x</script>",
    "pipe|name`code`",
    "tab\tname",
    "line\nbreak",
    "日本語モデル",
    "👩\u200d💻 coder",
    "❤\ufe0f",
    "e\u0301",
    "é",
    "a" + "\u0301" * 40,
    "x" * 5000,
)
"""Names as a file may hold them; no two are equal."""

Battle = tuple[str, str, str, str, str]
"""model_a, model_b, winner, question_id, category"""


def random_battles(models: Sequence[str], count: int, seed: int = 0) -> list[Battle]:
    """Battles in which earlier models tend to win, with ties, over 20 questions in two categories."""
    draw = random.Random(seed)
    battles = []
    for number in range(count):
        a, b = draw.sample(range(len(models)), 2)
        chance = 1 / (1 + math.exp((a - b) / len(models)))
        luck = draw.random()
        winner = "tie" if draw.random() < 0.1 else "model_a" if luck < chance else "model_b"
        question = number % 20
        battles.append((models[a], models[b], winner, f"q{question}", ("math", "prose")[question % 2]))
    return battles


def write_battles(path: Path, battles: Iterable[Battle]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["model_a", "model_b", "winner", "question_id", "category"])
        writer.writerows(battles)
    return path
