"""Everything behind one battle as lines: prompt, responses, games, and what they came from.

Lines are of two kinds: texts of models stand behind a bar (see blocks), every other line is the program's. A name that
is longer than its line goes on behind a mark, so that none can look like the other kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from arena_tui.blocks import block
from arena_tui.inert import inert
from arena_tui.layout import broken, shortened
from arena_tui.tables import number, short

if TYPE_CHECKING:
    from engine.records import Turn
    from engine.store.trace import BattleTrace, Side, TracedGame

T = TypeVar("T")

MOST_MESSAGES = 100
"""Of a conversation, where not all of it is asked for."""

GOES_ON = "↳ "
"""Before what is left of a line that is longer than the terminal is wide."""


@dataclass(frozen=True, slots=True)
class Page:
    """How a battle is shown.

    Attributes:
        width: cells of a line; None has no end.
        raw: also the judge's replies as they were.
        whole: every text and every name to its end.
    """

    width: int | None = None
    raw: bool = False
    whole: bool = False

    def lines(self, trace: BattleTrace) -> Iterator[str]:
        """The battle's page, each line inert."""
        where = ", ".join(f"{self._name(name)} of {self._name(of)}" for of, name in trace.prompt_names)
        yield from self._ours(
            f"battle {trace.id} · arena {self._name(trace.arena)} · prompt {where or trace.prompt_key}"
            f" · category {self._name(trace.category or '-')}",
            f"  {self._name(trace.a.player)} (a) against {self._name(trace.b.player)} (b): {self._result(trace)}",
            f"  from {trace.came_from}; key {trace.key}",
            "",
        )
        yield from self._conversation(trace)
        for label, side in (("a", trace.a), ("b", trace.b)):
            yield from self._ours("", f"── {label}: {self._name(side.player)} ({side.status})")
            yield from self._ours(*self._facts(side))
            yield from self._answers(side)
        for game in trace.games:
            yield from self._game(trace, game)

    def _conversation(self, trace: BattleTrace) -> Iterator[str]:
        if trace.conversation is None:
            yield "(the prompt's text is not in the store)"
            return
        for message in self._some(trace.conversation.messages):
            yield f"[{message.role}]{'' if message.content is not None else ' …'}"
            yield from self._text(message.content)
        yield from self._more(trace.conversation.messages, "messages")

    def _answers(self, side: Side) -> Iterator[str]:
        if side.turns is None:
            yield "(its text is not in the store)"
            return
        for place, turn in enumerate(self._some(side.turns), 1):
            if len(side.turns) > 1:
                yield f"[turn {place}]"
            yield from self._turn(turn)
        yield from self._more(side.turns, "turns")

    def _turn(self, turn: Turn) -> Iterator[str]:
        if turn.thinking:
            yield "[thinking, not judged]"
            yield from self._text(turn.thinking)
            yield "[answer]"
        yield from self._text(turn.answer)

    def _game(self, trace: BattleTrace, game: TracedGame) -> Iterator[str]:
        verdict = game.verdict
        first = trace.b.player if game.swapped else trace.a.player
        said = f"{verdict.status.value}: {self._reason(verdict.reason)}"
        if verdict.value is not None:
            value = verdict.value if isinstance(verdict.value, tuple) else (verdict.value,)
            said = f"{verdict.kind.value} {', '.join(map(str, value))}"
        yield from self._ours(
            "",
            f"── {self._name(trace.judge)}, {self._name(first)} shown first: {said}",
            f"   key {game.verdict_key}",
        )
        yield from self._text(verdict.explanation or None)
        if self.raw and verdict.raw is not None:
            yield "   the reply as it was:"
            yield from self._text(verdict.raw)

    def _result(self, trace: BattleTrace) -> str:
        if trace.state != "decided":
            return f"{trace.state} ({self._reason(trace.reason)})"
        winner = {"a": trace.a.player, "b": trace.b.player}.get(trace.outcome or "", "nobody, a tie")
        return f"won by {self._name(winner)}, margin {number(trace.margin, 2)} by {trace.outcome_rule}"

    def _facts(self, side: Side) -> Iterator[str]:
        yield f"   model {self._said(side.model)}; player {side.key}"
        if side.sampling is not None:
            yield f"   sampling {self._said(side.sampling) or 'as served'}"
        if side.response_key is not None:
            yield f"   response {side.response_key}"

    def _said(self, facts: Mapping[str, Any]) -> str:
        return ", ".join(f"{name} {self._name(str(value))}" for name, value in facts.items())

    def _name(self, name: str) -> str:
        return name if self.whole else short(name)

    def _reason(self, reason: str | None) -> str:
        said = reason or "unknown"
        return said if self.whole else shortened(said)

    def _ours(self, *lines: str) -> Iterator[str]:
        for line in map(inert, lines):
            if self.width is None:
                yield line
                continue
            first, *others = broken(line, self.width - len(GOES_ON), self.width)
            yield first
            yield from (GOES_ON + piece for piece in others)

    def _text(self, text: str | None) -> Sequence[str]:
        return () if text is None else block(text, self.width, whole=self.whole)

    def _some(self, many: Sequence[T]) -> Sequence[T]:
        return many if self.whole else many[:MOST_MESSAGES]

    def _more(self, many: Sequence[object], what: str) -> Iterator[str]:
        if more := len(many) - len(self._some(many)):
            yield f"… {more:,} more {what} are left out; --whole shows them"
