"""How commands run: one place turns errors into messages and exit codes."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

from arena_tui.output import say, say_error
from engine.errors import UserError

P = ParamSpec("P")

StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store", help="The store's file. Default: ARENA_TUI_STORE, else one file a user.", metavar="FILE"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else there.")]


def command(function: Callable[P, None]) -> Callable[P, None]:
    """A command whose errors become a message on stderr and the documented exit code."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except UserError as error:
            say_error(error)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt:
            say("interrupted")
            raise typer.Exit(130) from None
        except BrokenPipeError:
            # The reader of our output went away, as `head` does. Python would complain once more at its own exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None

    return run


def store_path(said: Path | None) -> Path:
    """The store that is meant: the option, else where it is when nobody says."""
    from engine.store.location import default_location

    return said.expanduser() if said else default_location()


def open_for_reading(said: Path | None) -> Any:
    """The store, read-only."""
    from engine.store import open_store

    return open_store(store_path(said))


def open_for_writing(said: Path | None, *, create: bool = True) -> Any:
    """The store, made new where there is none."""
    from engine.store import open_store

    return open_store(store_path(said), writable=True, create=create)
