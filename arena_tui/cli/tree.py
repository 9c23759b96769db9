"""The tree of commands: groups whose modules are imported when one of their commands is meant, and their help.

`--help` of the program knows every command by its summary and imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from arena_tui.cli.help_page import HelpContext
from arena_tui.cli.running import did_you_mean
from arena_tui.cli.values import HELP_OPTIONS, read_plainly
from arena_tui.streams import strays_as_talk
from engine.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

HELP_WIDTH = 100
SETTINGS: dict[str, Any] = {"help_option_names": HELP_OPTIONS, "max_content_width": HELP_WIDTH}


@dataclass(frozen=True, slots=True)
class Entry:
    """A command of the program, or a group of commands.

    Attributes:
        section: the heading under which the help lists it.
        module: where it is: a Typer `app` that is the group, or one that holds the command by its name.
        summary: as the first sentence of its own help.
    """

    name: str
    section: str
    module: str
    summary: str
    is_group: bool = False

    def load(self) -> Any:
        """The command, imported."""
        group = typer.main.get_group(import_module(self.module).app)
        read_plainly(group)
        if self.is_group:
            group.name = self.name
            return group
        return group.commands[self.name]


class Group(TyperGroup):
    """A group of commands."""

    context_class = HelpContext


class Program(Group):
    """The root of the tree."""

    entries: tuple[Entry, ...] = ()

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        read_plainly(self)

    def list_commands(self, ctx: Any) -> list[str]:
        return [entry.name for entry in self.entries]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        for entry in self.entries:
            if entry.name == cmd_name:
                return entry.load()
        if cmd_name.startswith("-"):
            return None
        hint = did_you_mean(cmd_name, tuple(self.list_commands(ctx)))
        raise UsageError(f"there is no command '{cmd_name}'", mend=hint or "See: arena-tui --help")

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for section in dict.fromkeys(entry.section for entry in self.entries):
            rows = [(entry.name, entry.summary) for entry in self.entries if entry.section == section]
            with formatter.section(section):
                formatter.write_dl([(f"{name:<{self._widest()}}", summary) for name, summary in rows])

    def _widest(self) -> int:
        return max(len(entry.name) for entry in self.entries)


class Command(TyperCommand):
    """A command whose help names arguments as its usage does, without the types of Python. While it runs, what
    libraries print by themselves passes the border as talk."""

    context_class = HelpContext

    def invoke(self, ctx: Any) -> Any:
        with strays_as_talk():
            return super().invoke(ctx)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        pieces = ["[OPTIONS]"]
        for argument in self._arguments(ctx):
            name = argument.metavar + ("..." if argument.nargs == -1 else "")
            pieces.append(name if argument.required else f"[{name}]")
        return pieces

    def format_options(self, ctx: Any, formatter: Any) -> None:
        arguments = [(argument.metavar, argument.help or "") for argument in self._arguments(ctx)]
        records = [
            one.get_help_record(ctx) for one in self.get_params(ctx) if one.param_type_name == "option"
        ]
        options = [record for record in records if record is not None]  # a hidden option has none
        for heading, rows in (("Arguments", arguments), ("Options", options)):
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def _arguments(self, ctx: Any) -> list[Any]:
        return [one for one in self.get_params(ctx) if one.param_type_name == "argument"]


class Commands(typer.Typer):
    """Commands of one module: a group, or commands of the root."""

    def command(self, name: str | None = None, **settings: Any) -> Callable[[F], F]:
        return super().command(name, cls=Command, **settings)


def commands(help_text: str = "") -> Commands:
    """A Typer for a group of commands, or for commands of the root."""
    return Commands(
        cls=Group,
        help=help_text or None,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        context_settings=SETTINGS,
    )


def examples(*lines: str) -> str:
    """Examples as the last words of a help text, each on a line of its own."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
