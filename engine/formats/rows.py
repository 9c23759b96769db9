"""What an importer yields: neutral rows that the store lands, and rows set aside with a reason.

Rows are yielded in file order and stay true to what was said: no guess, no default where the source is silent. A row
names its prompt either whole (`records.Prompt`) or by reference, when prompts were yielded or imported before.
`file` is the path of its file as it was given, or what a set from elsewhere is called; empty where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from engine.formats.keyed.rows import KeyedRow
from engine.records import Game, OnCut, OutcomeRule, Prompt, ResponseStatus, Turn, Verdict


@dataclass(frozen=True, slots=True)
class PromptRef:
    """A prompt by its name in a set. The set need not hold it: then the text stays unknown."""

    set_name: str
    name: str


@dataclass(frozen=True, slots=True)
class FilledPrompt:
    """A prompt that got its text after others had spoken of it by name: its key is that of its name."""

    prompt: Prompt


@dataclass(frozen=True, slots=True)
class ResponseRow:
    """One model's response. `turns` has one entry per open turn."""

    prompt: Prompt | PromptRef
    model: str
    turns: tuple[Turn, ...]
    status: ResponseStatus = ResponseStatus.OK
    error: str | None = None
    line: int = 0
    file: str = ""


@dataclass(frozen=True, slots=True)
class BattleRow:
    """One judged battle of two models on one prompt.

    Attributes:
        response_a, response_b: the turns where the source holds them; None where they are unknown or imported apart
            (then the store looks for the one response of that model to that prompt).
        games: one or two games, each with its verdict as shown; none where nobody judged, as our own export has it of
            battles that are void or wait.
        judge: the judge's name as the source says it (`human` where people voted and none is named).
        source_id: what makes the row itself unique in its source (question_id, or pair and voter); None when nothing
            does, and equal rows of its file are then told apart by how many came before.
        occurred_at: seconds since 1970, where the source has a time.
        turn: the open turn that was judged, 1-based; None is the whole conversation.
        arena: where the source says it row by row, as our own export does; None is the layout's.
        margin: a's score minus b's where the source tells it beside a bare winner, as our own export does.
        rules: of the arena, where our own export says them; those of a new arena.
        keys: (judge, a, b) of our own export, to be known by where the store has them; names count else.
        lines: the rows of the file where it took several.
    """

    prompt: Prompt | PromptRef
    model_a: str
    model_b: str
    games: tuple[Game, ...]
    judge: str
    response_a: tuple[Turn, ...] | None = None
    response_b: tuple[Turn, ...] | None = None
    source_id: str | None = None
    category: str | None = None
    occurred_at: float | None = None
    turn: int | None = None
    round: int | None = None
    arena: str | None = None
    margin: float | None = None
    rules: tuple[OutcomeRule, OnCut] | None = None
    keys: tuple[str | None, str | None, str | None] = (None, None, None)
    meta: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0
    file: str = ""
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SingleRow:
    """A score of one response by itself (kind `single`): it makes no battle."""

    prompt: Prompt | PromptRef
    model: str
    verdict: Verdict
    judge: str
    source_id: str | None = None
    response: tuple[Turn, ...] | None = None
    line: int = 0
    file: str = ""


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row that could not be used: where it stood, why (a reason that can be counted), and its text, cut to 500
    characters with a mark."""

    reason: str
    file: str
    line: int
    text: str


PlainRow = Prompt | FilledPrompt | ResponseRow | BattleRow | SingleRow | SetAside
"""What any file may hold."""

Row = PlainRow | KeyedRow


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What a person says beside the files.

    Attributes:
        mapping: theirs -> ours, dotted paths on the left; on the right a field of ours, or `=VALUE` on the left for a
            constant (see docs). `--map theirs=ours`.
        values: for winner-like fields, their value -> ours.
        prompts: a file with prompts kept apart, and the column of the battle file that names them.
        arena, judge, set_name: names to use where the source has none; None lets the importer decide.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    prompts: Path | None = None
    join: str | None = None
    arena: str | None = None
    judge: str | None = None
    set_name: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layout:
    """What an importer saw in the files, for `--dry-run`.

    Attributes:
        name: the layout in words, such as `llmfao votes` or `chatbot_arena_conversations`.
        mapping: theirs -> ours as it will be applied.
        ignored: columns that nothing is made of.
        arena, judge, set_name: the names that will be used.
    """

    name: str
    mapping: Mapping[str, str]
    arena: str | None
    set_name: str
    judge: str | None = None
    ignored: tuple[str, ...] = ()


class Importer(Protocol):
    """A format, found by entry point (`arena_tui.formats`)."""

    @property
    def name(self) -> str:
        """As a person writes it: `import NAME`."""

    @property
    def summary(self) -> str:
        """What it reads, in one line."""

    def layout(self, paths: Sequence[Path], options: ImportOptions) -> Layout:
        """Look at the head of the files.

        Raises:
            UsageError: when the files are not of this format, naming what was looked for.
        """

    def rows(self, paths: Sequence[Path], options: ImportOptions, layout: Layout) -> Iterator[Row]:
        """Stream all rows, with bounded memory. Unusable ones are SetAside; nothing is dropped silently."""
