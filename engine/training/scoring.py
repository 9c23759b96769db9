"""What scores an answer where no reward model does: the pocket world's checker, or a function of the user's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from engine.errors import PluginError, UsageError
from engine.records import Conversation, Message
from engine.training.rows import Messages

POCKET = "pocket"

Score = Callable[[Messages, str], float]
"""From a prompt and the answer to its last turn to a reward."""


def load_score(name: str) -> Score:
    """A function that scores answers, by its name.

    Args:
        name: `pocket`, or MODULE:FUNCTION, called with a `Conversation` and the answers to its open turns, as checkers
            are. It gives a number, which is taken as it is, or something with a `score` of 1 to 10, which becomes
            0 to 1.

    Raises:
        UsageError: there is no such function.
        PluginError: the module cannot be imported.
    """
    function = _pocket() if name == POCKET else _named(name)

    def score(prompt: Messages, answer: str) -> float:
        try:
            return _number(function(open_conversation(prompt), (answer,)))
        except Exception as error:  # a stranger's code may raise anything
            raise PluginError(
                f"the reward '{name}' failed",
                f"{type(error).__name__}: {error}",
                "It takes a conversation and its answers, and gives a number or something with a score.",
            ) from error

    return score


def open_conversation(prompt: Messages) -> Conversation:
    """A prompt of a training row with its last assistant's turn open."""
    given: Sequence[Any] = [Message(m["role"], m["content"]) for m in prompt]  # type: ignore[arg-type]
    return Conversation((*given, Message("assistant", None)))


def _number(given: Any) -> float:
    if hasattr(given, "score"):
        return (float(given.score) - 1) / 9
    return float(given)


def _pocket() -> Callable[..., Any]:
    from engine.pocket.checker import check

    return check


def _named(name: str) -> Callable[..., Any]:
    module_name, _, function_name = name.partition(":")
    if not module_name or not function_name:
        raise UsageError(
            f"there is no reward '{name}'", mend="Expected 'pocket', or MODULE:FUNCTION of your own."
        )
    try:
        module = import_module(module_name)
    except Exception as error:  # a stranger's module may raise anything
        raise PluginError(
            f"the reward '{name}' cannot be imported", f"{type(error).__name__}: {error}"
        ) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise UsageError(f"the module '{module_name}' has no function '{function_name}'")
    found: Callable[..., Any] = function
    return found
