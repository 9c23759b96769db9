"""What the terminal can show, as far as it says."""

from __future__ import annotations

import codecs
import os
import shutil
from collections.abc import Iterator, Mapping

from arena_tui.streams import data_encoding, data_is_seen
from engine.doctor.finding import Finding, fine, warning

LEAST_COLUMNS, LEAST_LINES = 80, 24


def terminal_findings(environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Size, colours, Unicode, and a multiplexer in between. Of a pipe nothing can be said but its encoding."""
    yield _encoding(data_encoding())
    if not data_is_seen():
        yield fine("terminal", "the output goes to no terminal: its size and colours are not looked at")
        return
    columns, lines = shutil.get_terminal_size()
    size = f"{columns} columns, {lines} lines"
    if columns < LEAST_COLUMNS or lines < LEAST_LINES:
        yield warning("terminal", size, f"Tables need {LEAST_COLUMNS} columns or more; --json needs none.")
    else:
        yield fine("terminal", size)
    yield _colours(environment)
    if "TMUX" in environment or environment.get("TERM", "").startswith("screen"):
        yield _multiplexer(environment)


def _encoding(name: str) -> Finding:
    if codecs.lookup(name).name == "utf-8":
        return fine("terminal", "Unicode is shown (UTF-8)")
    return warning("terminal", f"only {name} is shown", "Set a UTF-8 locale, such as: export LANG=C.UTF-8")


def _colours(environment: Mapping[str, str]) -> Finding:
    kind = environment.get("TERM", "")
    if environment.get("NO_COLOR"):
        return fine("terminal", "no colours, as NO_COLOR asks")
    if kind in ("", "dumb"):
        return warning(
            "terminal", f"TERM is '{kind}': no colours and no cursor", "Set TERM to what your terminal is."
        )
    deep = environment.get("COLORTERM", "") in ("truecolor", "24bit")
    count = "16 million" if deep else "256" if "256color" in kind else "few"
    return fine("terminal", f"{kind}, {count} colours")


def _multiplexer(environment: Mapping[str, str]) -> Finding:
    name = "tmux" if "TMUX" in environment else "screen"
    if "256color" in environment.get("TERM", ""):
        return fine("terminal", f"inside {name}")
    mend = (
        'In ~/.tmux.conf: set -g default-terminal "tmux-256color"'
        if name == "tmux"
        else "Start it with: screen -T"
    )
    return warning("terminal", f"inside {name} with TERM {environment.get('TERM')}", mend)
