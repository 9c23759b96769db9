"""From a game to the judge's messages. Pure.

The page is built from parts, words of the template and texts in fences, with the nonce as a part of its own: it is
never looked for in a text, so a response that holds `{nonce}` keeps it as it is. For the verdict's key the nonce is
NONCE_PLACEHOLDER, for sending the real one.

What is the same for every pair on a prompt stands first (system, rubric, the conversation up to the first open turn),
then the nonce and the responses, so that a server's prefix cache holds the long part. Of several turns, each side's
conversation is shown whole, turn by turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import accumulate

from engine.judges import shape
from engine.judges.base import Shown
from engine.judges.fence import BEGIN, DASHES, END
from engine.judges.neutralise import Neutralised, neutralise
from engine.judges.reply import VERDICT, ReplyForm
from engine.judges.special import SpecialTokens
from engine.judges.template import Template
from engine.keys import NONCE_PLACEHOLDER
from engine.records import Conversation, Message, Response, VerdictKind


class _Nonce(Enum):
    NONCE = "nonce"


NONCE = _Nonce.NONCE
Part = str | _Nonce
_PLACEHOLDERS = re.compile(r"(\{nonce\}|\{turn\}|\{reply\})")


@dataclass(frozen=True, slots=True)
class Rendering:
    """The judge's messages as parts.

    Attributes:
        system: empty when there is no system message.
        changed: how much of the texts was changed for the judge.
    """

    system: tuple[Part, ...]
    user: tuple[Part, ...]
    changed: Neutralised

    def messages(self, nonce: str = NONCE_PLACEHOLDER) -> tuple[Message, ...]:
        """The messages with the nonce put in; with the placeholder, as the verdict's key hashes them."""
        user = Message("user", _text(self.user, nonce))
        return (Message("system", _text(self.system, nonce)), user) if self.system else (user,)


def render(
    template: Template, shown: Shown, tokens: SpecialTokens, form: ReplyForm, system_role: bool = True
) -> Rendering:
    """One game as its judge is asked.

    Args:
        tokens: special tokens of the judge's tokenizer.
        system_role: False puts the system text before the user's, for models that know no system role.

    Raises:
        ValueError: two responses for a template of kind `single`, one for another, or a turn that is not open.
    """
    if (shown.second is None) != (template.kind is VerdictKind.SINGLE):
        raise ValueError(f"a judge of kind {template.kind} was shown another number of responses")
    turns = _numbered(_up_to(shown.conversation, shown.turn))
    page = _Page(template, tokens, form, several_turns=turns[-1].number > 1)
    page.words(template.text.rubric)
    _add_conversation(page, turns)
    _add_responses(page, shown, turns)
    page.words(template.text.ask)
    page.words(template.text.reply_schema if form is ReplyForm.SCHEMA else template.text.reply_line)
    system = template.text.system
    if system and not system_role:
        return Rendering((), (system, "\n\n", *page.parts), page.changed)
    return Rendering((system,) if system else (), tuple(page.parts), page.changed)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A message and the number of its exchange: how many user messages came up to it."""

    message: Message
    number: int


class _Page:
    """The user message while it is written: blocks with an empty line between them."""

    def __init__(
        self, template: Template, tokens: SpecialTokens, form: ReplyForm, several_turns: bool
    ) -> None:
        self.template = template
        self.parts: list[Part] = []
        self.changed = Neutralised()
        self._tokens = tokens
        self._several_turns = several_turns
        self._reply: tuple[Part, ...] = (shape.description(template.kind, explained=True),)
        if form is ReplyForm.LINE:
            self._reply = (VERDICT, " ", NONCE, " ", shape.description(template.kind, explained=False))

    def words(self, text: str, turn: int = 0) -> None:
        """Words of the template, placeholders filled in; nothing when there are none."""
        filled: dict[str, tuple[Part, ...]] = {
            "{nonce}": (NONCE,),
            "{turn}": (str(turn),),
            "{reply}": self._reply,
        }
        if text:
            self._block(part for piece in _pieces(text) for part in filled.get(piece, (piece,)))

    def given(self, turn: _Turn, with_nonce: bool) -> None:
        """A message that the prompt itself holds."""
        labels = self.template.labels
        names = {"system": labels.system, "user": labels.user, "assistant": labels.assistant}
        self.fenced(names[turn.message.role], turn.number, turn.message.content or "", with_nonce)

    def fenced(self, name: str, number: int, text: str, with_nonce: bool) -> None:
        """A text of a user, an assistant or a player, neutralised, between its fences."""
        copy, changed = neutralise(text, self._tokens)
        self.changed += changed
        label = f"{name}, {self._turn_label(number)}" if self._several_turns and number else name
        code: tuple[Part, ...] = (" ", NONCE) if with_nonce else ()
        self._block((f"{BEGIN}{label}", *code, f"{DASHES}\n", copy, f"\n{END}{label}", *code, DASHES))

    def _turn_label(self, number: int) -> str:
        return self.template.labels.turn.replace("{turn}", str(number))

    def _block(self, parts: Iterable[Part]) -> None:
        if self.parts:
            self.parts.append("\n\n")
        self.parts.extend(parts)


def _add_conversation(page: _Page, turns: tuple[_Turn, ...]) -> None:
    """What both sides were given before the first open turn: the same for every pair."""
    page.words(page.template.text.prompt)
    for turn in turns[: _first_open(turns)]:
        page.given(turn, with_nonce=False)


def _add_responses(page: _Page, shown: Shown, turns: tuple[_Turn, ...]) -> None:
    """The nonce, then each side's conversation from the first open turn on."""
    text, labels = page.template.text, page.template.labels
    page.words(text.responses)
    if shown.turn is not None:
        page.words(text.one_turn, turns[-1].number)
    own = turns[_first_open(turns) :]
    _add_side(page, labels.first, shown.first, own)
    if shown.second is not None:
        _add_side(page, labels.second, shown.second, own)


def _add_side(page: _Page, name: str, response: Response, turns: tuple[_Turn, ...]) -> None:
    answers = iter(response.turns)
    for turn in turns:
        if turn.message.content is not None:
            page.given(turn, with_nonce=True)
        elif (answer := next(answers, None)) is not None:
            page.fenced(name, turn.number, answer.answer, with_nonce=True)
        else:
            page.words(page.template.text.missing, turn.number)


@lru_cache(maxsize=256)
def _pieces(words: str) -> tuple[str, ...]:
    """A template's words, split at their placeholders."""
    return tuple(_PLACEHOLDERS.split(words))


def _numbered(messages: tuple[Message, ...]) -> tuple[_Turn, ...]:
    numbers = accumulate(message.role == "user" for message in messages)
    return tuple(_Turn(message, int(number)) for message, number in zip(messages, numbers, strict=True))


def _first_open(turns: tuple[_Turn, ...]) -> int:
    return next(index for index, turn in enumerate(turns) if turn.message.content is None)


def _up_to(conversation: Conversation, turn: int | None) -> tuple[Message, ...]:
    """The messages up to and with an open turn (1-based); all of them for None."""
    if turn is None:
        return conversation.messages
    ends = [index for index, message in enumerate(conversation.messages, start=1) if message.content is None]
    if not 1 <= turn <= len(ends):
        raise ValueError(f"turn {turn} of a conversation with {len(ends)} open turns")
    return conversation.messages[: ends[turn - 1]]


def _text(parts: tuple[Part, ...], nonce: str) -> str:
    return "".join(nonce if part is NONCE else part for part in parts)
