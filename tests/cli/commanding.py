"""Commands run in this process as a shell would run them, with both streams caught."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from arena_tui.cli.main import main


@dataclass(frozen=True)
class Result:
    """What a command did.

    Attributes:
        code: its exit code.
        out, err: what it wrote to stdout and stderr.
    """

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def command(*arguments: str | Path, width: int | None = None, store: Path | None = None) -> Result:
    """Run one command line.

    Args:
        width: as a terminal of so many cells would be; None is a pipe.
        store: what ARENA_TUI_STORE says.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with _environment(width, store), redirect_stdout(out), redirect_stderr(err):
        code = main([str(one) for one in arguments])
    return Result(code, *(stream.buffer.getvalue().decode("utf-8", "surrogatepass") for stream in (out, err)))


@contextmanager
def _environment(width: int | None, store: Path | None) -> Iterator[None]:
    said = {"COLUMNS": width, "ARENA_TUI_STORE": store}
    with patch.dict(os.environ):
        for name, value in said.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = str(value)
        yield
