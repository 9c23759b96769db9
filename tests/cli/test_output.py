"""What data looks like as CSV and Markdown, and that streams keep to their purpose."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from arena_tui.inert import inert
from arena_tui.layout import Column, Names, Table
from arena_tui.output import out_csv, out_json, out_markdown
from tests.cli.battle_logs import HOSTILE_NAMES
from tests.cli.commanding import command

CELL = st.text(alphabet=st.characters(blacklist_categories=()), max_size=30)


def written(capsys_out: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(capsys_out)))


def test_numbers_are_written_in_full_and_null_as_nothing(capsys) -> None:  # type: ignore[no-untyped-def]
    out_csv(["a", "b", "c", "d", "e"], [[0.1 + 0.2, None, True, ("x", "y"), -3]])
    assert capsys.readouterr().out == 'a,b,c,d,e\n0.30000000000000004,,true,"x, y",-3\n'


@given(CELL)
def test_no_cell_of_csv_is_a_formula_or_controls_a_terminal(cell: str) -> None:
    from arena_tui.output import _csv_cell, _csv_line

    line = _csv_line([_csv_cell(cell), "end"])
    ((shown, end),) = csv.reader(io.StringIO(line))
    assert end == "end"
    assert shown in (inert(cell), f"'{inert(cell)}")
    try:
        float(shown)
    except ValueError:
        assert shown == "-" or not shown.startswith(
            ("=", "+", "@", "-", "\uff1d", "\uff0b", "\uff0d", "\uff20")
        )


def test_no_cell_of_csv_goes_on_behind_a_semicolon(capsys) -> None:  # type: ignore[no-untyped-def]
    out_csv(["model"], [["a;=1+1"], ["b"]])
    assert capsys.readouterr().out == 'model\n"a;=1+1"\nb\n'


def test_markdown_shows_names_as_they_are(capsys) -> None:  # type: ignore[no-untyped-def]
    columns = [Column("model"), Column("n", right=True), Column("tied")]
    names = Names(("a_b", "c|d"))
    out_markdown(Table(columns, [["<b>|`*x*`[y](z)", "1", names]], notes=["a_b"]))
    assert capsys.readouterr().out == (
        "| model | n | tied |\n| --- | ---: | --- |\n"
        "| &lt;b>\\|\\`\\*x\\*\\`\\[y\\](z) | 1 | a\\_b, c\\|d |\n\na\\_b\n"
    )


@given(CELL)
def test_json_is_exact_and_ascii(text: str) -> None:
    import json
    from contextlib import redirect_stdout

    stream = io.StringIO()
    with redirect_stdout(stream):
        out_json({"text": text})
    assert stream.getvalue().isascii()
    assert json.loads(stream.getvalue()) == {"text": text}


def test_names_come_out_of_json_exactly(hostile: Path) -> None:
    facts = command("leaderboard", "--json", store=hostile).json
    assert {row["model"] for row in facts["models"]} == set(HOSTILE_NAMES)


def test_data_goes_to_stdout_and_talk_to_stderr(few: Path, tmp_path: Path) -> None:
    for arguments in (["leaderboard"], ["matrix"], ["models", "list"], ["arenas", "list"], ["plan", "list"]):
        shown = command(*arguments, store=few)
        assert shown.out
        assert shown.err == ""
    talk = command("export", "battles", "--out", tmp_path / "b.jsonl", store=few)
    assert (talk.out, "240 rows" in talk.err) == ("", True)


def test_a_terminal_that_lacks_letters_gets_them_escaped(hostile: Path) -> None:
    """Whatever the encoding of the streams, nothing fails and nothing is lost silently."""
    program = [sys.executable, "-P", "-m", "arena_tui", "leaderboard", "--store", str(hostile)]
    done = subprocess.run(
        program,
        env=os.environ | {"PYTHONIOENCODING": "ascii:strict"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.isascii()
    assert "\\u65e5\\u672c" in done.stdout
    assert done.stderr == ""
