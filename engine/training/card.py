"""A model card: what a trained model is and where it comes from. Its text is inert wherever it is shown."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence

from engine.training.spec import StageResult

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~@$:-])")


def inert(text: str) -> str:
    """Text in which nothing acts: no markup, no link, no HTML, no control, bidi or other invisible character."""
    shown = "".join(_visible(character) for character in text)
    return html.escape(_MARKUP.sub(r"\\\1", shown), quote=False)


def _visible(character: str) -> str:
    """A character that stands for itself, else its code point in words."""
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    return f"U+{ord(character):04X}" if hidden else character


def model_card(result: StageResult, lineage: Mapping[str, str | int | float | None]) -> str:
    """The card as Markdown with a YAML head. Every value that may come from elsewhere is made inert."""
    told = {
        "stage": result.kind,
        "trained rows": result.rows,
        "evaluated rows": result.eval_rows,
        "steps": result.steps,
        "processes": result.world_size,
        "started from": result.start_hash[:16],
        **lineage,
    }
    facts = [(name, str(value)) for name, value in told.items() if value is not None]
    given = [s for s in result.settings if s.origin != "trl"]
    lines = [
        "---",
        f"library_name: {json.dumps('transformers')}",
        f"tags: {json.dumps(['arena-tui', result.kind])}",
        "---",
        "",
        f"# {inert(result.name)}",
        "",
        "Trained by arena-tui from battles between models.",
        "",
        *_table(("fact", "value"), facts),
        "",
        "## Settings",
        "",
        *_table(("setting", "value", "from"), [(s.name, json.dumps(s.value), s.origin) for s in given]),
        "",
        "## Last metrics",
        "",
        *_table(("metric", "value"), [(name, f"{value}") for name, value in sorted(result.metrics.items())]),
        "",
        *(f"- {inert(note)}" for note in result.notes),
        "",
        "Libraries: " + inert(", ".join(f"{name} {v}" for name, v in result.versions.items())) + ".",
    ]
    return "\n".join(lines) + "\n"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + " --- |" * len(head),
        *("| " + " | ".join(inert(cell) for cell in row) + " |" for row in rows),
    ]
