"""How commands run: one place opens the store, one turns errors into messages and exit codes.

  0  done
  1  failed
  2  the command, an option or a plan is wrong
  3  unfinished: run it again and it goes on
130  interrupted
"""

from __future__ import annotations

import errno
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arena_tui.output import say, say_error
from arena_tui.streams import ReaderGone, forget_data
from engine.errors import UsageError, UserError

if TYPE_CHECKING:
    from engine.store import Store
    from engine.store.owner import Owner

INTERRUPTED = 130


def run(program: Callable[[], int | None]) -> int:
    """Run a command and give its exit code. What a user can mend is told in a few lines; a bug shows its traceback,
    inert, for its message may hold text of anybody."""
    try:
        return program() or 0
    except UserError as error:
        say_error(error)
        return error.exit_code
    except typer.TyperException as error:
        _say_usage(error)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        say("interrupted")
        return INTERRUPTED
    except ReaderGone:
        forget_data()
        return 0
    except Exception as error:  # noqa: BLE001  nothing is swallowed: it is shown whole
        if (mistake := _of_a_path(error)) is not None:
            say_error(mistake)
            return mistake.exit_code
        say(traceback.format_exc().rstrip("\n"))
        return 1


_PATH_MISTAKES = frozenset({errno.ENAMETOOLONG, errno.ELOOP})
"""What no file could be asked about, wherever it was that somebody first looked."""


def _of_a_path(error: Exception) -> UsageError | None:
    if not isinstance(error, OSError) or error.errno not in _PATH_MISTAKES or error.filename is None:
        return None
    name = os.fsdecode(error.filename)
    return UsageError(f"there can be no file '{name}'", error.strerror or "", "Give another name.")


def _say_usage(error: typer.TyperException) -> None:
    """A mistake in the command, in the voice of all others. A group without a command shows what it has."""
    context: typer.Context | None = getattr(error, "ctx", None)
    message = error.format_message()
    if "\n" in message:
        say(message)
        return
    path = context.command_path if context is not None else "arena-tui"
    title = message[:1].lower() + message[1:].rstrip(".")
    say_error(UsageError(title, mend=f"See: {path} --help"))


def _of_root(context: typer.Context, said: Path | None) -> Path | None:
    """`arena-tui --store FILE leaderboard` means the same as `arena-tui leaderboard --store FILE`."""
    return said if said is not None else context.find_root().params.get("store")


StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        help="The store's file. Default: $ARENA_TUI_STORE, else ~/.local/share/arena-tui/arena.db (arena-tui alone"
        " tells).",
        metavar="FILE",
        callback=_of_root,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else there.")]


def store_path(said: Path | None) -> Path:
    """The store that is meant: the option, else where it is when nobody says."""
    from engine.store.location import default_location

    return said.expanduser() if said else default_location()


def open_for_reading(said: Path | None) -> Store:
    """The store, read-only; of a mirror's copy it is said whose it is and how old."""
    from engine.store import open_store
    from engine.store.owner import owner_of_copy

    path = store_path(said)
    if (owner := owner_of_copy(path)) is not None:
        say(_of_copy(owner))
    return open_store(path)


def _of_copy(owner: Owner) -> str:
    from arena_tui.progress import duration

    if owner.copied_at is None:
        return f"copy of {owner.host}'s store"
    return f"copy of {owner.copied_from}'s store, {duration(max(0.0, time.time() - owner.copied_at))} old"


def open_for_writing(said: Path | None, *, create: bool = True) -> Store:
    """The store to write to, made new where there is none.

    Args:
        create: False where a new store could hold nothing of what is asked for.
    """
    from engine.store import open_store

    return open_store(store_path(said), writable=True, create=create)


def one_of(option: str, said: str, known: tuple[str, ...]) -> str:
    """The word that was said, if it is one of those that an option takes.

    Raises:
        UsageError: it is not, with the nearest.
    """
    if said in known:
        return said
    raise UsageError(f"{option} cannot be '{said}'", f"Known: {', '.join(known)}.", did_you_mean(said, known))


def did_you_mean(said: str, known: tuple[str, ...]) -> str:
    """A hint at the known word that is spelled most like it; empty where none is near."""
    from difflib import get_close_matches

    near = get_close_matches(said, known, n=1)
    return f"Did you mean '{near[0]}'?" if near else ""
