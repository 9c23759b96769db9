"""docs/judging.md and docs/methodology.md say what the code does."""

from __future__ import annotations

from pathlib import Path

from engine.judges import derive
from engine.judges.reasons import Reason
from engine.judges.template import TemplateLabels, TemplateText
from engine.records import VerdictKind

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "judging.md").read_text(encoding="utf-8")
METHODOLOGY = (DOCS / "methodology.md").read_text(encoding="utf-8")


def test_every_reason_is_documented() -> None:
    assert [reason.value for reason in Reason if f"`{reason.value}`" not in PAGE] == []


def test_every_piece_of_a_template_is_documented() -> None:
    for pieces, table in ((TemplateText, "text"), (TemplateLabels, "labels")):
        assert f"a table `{table}` ({', '.join(pieces.__dataclass_fields__)})" in PAGE.replace("\n", " ")


def test_every_kind_has_a_row_and_the_code_says_the_same() -> None:
    for kind in VerdictKind:
        assert f"\n| {kind.value} |" in METHODOLOGY
        assert f"\n| {kind.value} |" in (derive.__doc__ or "")


def test_every_attack_has_a_row_that_names_tests_there_are() -> None:
    rows = [line.split("|")[1:-1] for line in PAGE.splitlines() if line.startswith("| A")]
    told = [int(number.strip(" A")) for row in rows for number in row[0].split(",")]
    assert told == list(range(1, 21))
    tests = Path(__file__).parents[2]
    for row in rows:
        folder = tests
        for named in row[3].split(","):
            path = tests / named.strip() if "/" in named else folder / named.strip()
            folder = path.parent
            assert path.exists(), path
