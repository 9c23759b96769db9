"""One row of a table of verdicts: a game of a battle, or a score of one response."""

from __future__ import annotations

from collections.abc import Sequence

from engine import keys
from engine.errors import UsageError
from engine.formats import fields
from engine.formats.dialogues import turns_of
from engine.formats.entry import Record
from engine.formats.fields import FieldError
from engine.formats.identity import PromptNames, RowIds
from engine.formats.mapping import ColumnMap, Field, resolve
from engine.formats.replies import judge_name
from engine.formats.rows import BattleRow, ImportOptions, PromptRef, Row, SingleRow
from engine.formats.sources import Source
from engine.formats.verdicts.values import Fields, Said, ways
from engine.records import Conversation, Game, Turn, Verdict, VerdictKind, VerdictStatus

FIELDS = (
    Field("question_id", ("prompt_id", "uid", "prompt_name", "id", "idx")),
    Field("set_name", ("prompt_set", "set")),
    Field("prompt", ("instruction", "question")),
    Field("model_a", ("model_1", "player_a")),
    Field("model_b", ("model_2", "player_b")),
    Field("model", ("model_id", "model_name", "player")),
    Field("response_a", ("response_1", "output_1", "answer_a")),
    Field("response_b", ("response_2", "output_2", "answer_b")),
    Field("response", ("output", "answer")),
    Field("swapped"),
    Field("game"),
    Field("turn"),
    Field("kind"),
    Field("value"),
    Field("score_a", ("score_1",)),
    Field("score_b", ("score_2",)),
    Field("preference_b"),
    Field("preference"),
    Field("grade"),
    Field("winner"),
    Field("score", ("rating",)),
    Field("status"),
    Field("reason"),
    Field("explanation"),
    Field("raw", ("judgment", "raw_completion")),
    Field("thinking", ("reasoning",)),
    Field("finish_reason"),
    Field("tokens_in"),
    Field("tokens_out"),
    Field("latency_ms"),
    Field("judge", ("annotator", "judge_name")),
    Field("category"),
    Field("arena"),
    Field("round"),
    Field("occurred_at", ("tstamp", "timestamp")),
    Field("battle_key", ("battle_id",)),
    Field("verdict_key", ("verdict_id",)),
    Field("source_id"),
)
NO_VERDICT = "no verdict in the row"


class VerdictReader:
    """Reads the rows of one table.

    A row is a battle of one game until its other game follows: see `games.join_games`. Where rows name their battle,
    its games must stand together.
    """

    def __init__(self, source: Source, options: ImportOptions, set_name: str) -> None:
        self.columns = resolve(FIELDS, source.columns, options.mapping, source.name)
        self._said = _way(source, self.columns, options)
        self._fallback = options.judge
        self._arena = options.arena
        self._prompts = PromptNames(set_name)
        self._verdict_keys = RowIds()
        self._battle_keys = RowIds()
        self._battle: tuple[object, str] | None = None
        self._orientations: set[bool] = set()
        self.layout = f"verdicts by {' and '.join(self._said.columns)}"
        first = self.columns.apply(source.first[0].value).get("judge") if source.first else None
        self.judge = first if isinstance(first, str) else options.judge

    def rows(self, record: Record) -> Sequence[Row]:
        """The game or score of a row, after its prompt where that is new.

        Raises:
            FieldError: it cannot be used.
        """
        row = self.columns.apply(record.value)
        conversation = _conversation(row)
        name = _prompt_name(row, conversation)
        set_name = fields.optional_text(row.get("set_name"), "set_name")
        category = fields.optional_identifier(row.get("category"), "category")
        judge = judge_name(row.get("judge"), self._fallback)
        swapped = _swapped(row)
        verdict = _verdict(row, self._said, swapped)
        prompt = self._prompts.refer(name, set_name)
        read: SingleRow | BattleRow
        if verdict.kind is VerdictKind.SINGLE:
            read = _single(row, prompt, verdict, judge, record)
        else:
            read = _battle(row, prompt, Game(swapped, verdict), judge, category, self._arena, record)
        self._claim(row, swapped, verdict)
        if conversation is None:
            return (read,)
        return (*self._prompts.introduce(name, conversation, category, set_name)[0], read)

    def _claim(self, row: Fields, swapped: bool, verdict: Verdict) -> None:
        """Remember the ids of a row.

        Raises:
            FieldError: its verdict or game has been met, or its battle has been closed.
        """
        verdict_key = fields.optional_identifier(row.get("verdict_key"), "verdict_key")
        battle_key = fields.optional_identifier(row.get("battle_key"), "battle_key")
        arena = self._arena or row.get("arena")  # one battle may stand in several
        if battle_key is not None and verdict.kind is not VerdictKind.SINGLE:
            self._open((arena, battle_key), swapped)
        if verdict_key is not None:
            self._verdict_keys.claim((arena, verdict_key), (verdict, swapped))

    def _open(self, battle_key: tuple[object, str], swapped: bool) -> None:
        if battle_key == self._battle:
            if swapped in self._orientations:
                raise FieldError("a game of its battle stands twice")
            self._orientations.add(swapped)
            return
        try:
            self._battle_keys.claim(battle_key, None)
        except FieldError as error:
            raise FieldError("the games of its battle do not stand together") from error
        self._battle, self._orientations = battle_key, {swapped}


def _way(source: Source, columns: ColumnMap, options: ImportOptions) -> Said:
    """How the table says its verdicts.

    Raises:
        UsageError: it does not, or says nothing of the prompts or models.
    """
    known = ways(options.values)
    said = next((way for way in known if all(name in columns for name in way.columns)), None)
    missing = []
    if said is None:
        missing.append("a verdict: " + ", or ".join(" and ".join(way.columns) for way in known))
    if "question_id" not in columns and "prompt" not in columns:
        missing.append("the prompt: question_id (its name), or prompt (its text)")
    if "model_a" not in columns and "model" not in columns:
        missing.append("the models: model_a and model_b, or model where scores are of one response")
    if said is None or missing:
        raise UsageError(
            f"{source.name} is no table of verdicts",
            "\n".join(("No column for", *(f"  {what}" for what in missing), f"  columns: {_listed(source)}")),
            "Say which column it is with --map COLUMN=FIELD, for example --map choice=winner.",
        )
    return said


def _listed(source: Source) -> str:
    return ", ".join(source.columns) or "none"


def _conversation(row: Fields) -> Conversation | None:
    value = row.get("prompt")
    return None if fields.absent(value) else Conversation.of(*fields.turns(value, "prompt"))


def _prompt_name(row: Fields, conversation: Conversation | None) -> str:
    name = fields.optional_identifier(row.get("question_id"), "question_id")
    if name is None and conversation is not None:
        return keys.prompt_key(conversation)
    return fields.identifier(row.get("question_id"), "question_id") if name is None else name


def _swapped(row: Fields) -> bool:
    """Whether b was shown first: as `swapped` says, else in the second of two games; a was, where nothing is said."""
    value = row.get("swapped")
    if not fields.absent(value):
        return _flag(value)
    game = row.get("game")
    if fields.absent(game):
        return False
    number = fields.whole(game, "game", low=1)
    if number > 2:
        raise FieldError("game is neither 1 nor 2")
    return number == 2


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    known = {"true": True, "1": True, "false": False, "0": False}.get(str(value).strip().lower())
    if known is None:
        raise FieldError("swapped is neither true nor false")
    return known


def _verdict(row: Fields, said: Said, swapped: bool) -> Verdict:
    """The verdict as the row has it. One without a value and a status is a reply that nobody could read."""
    kind, value = said.read(row, swapped)
    status = _status(row)
    if status is None:
        status = VerdictStatus.UNPARSABLE if value is None else VerdictStatus.OK
    if (status is VerdictStatus.OK) != (value is not None):
        raise FieldError("its status does not fit its value")
    reason = fields.optional_text(row.get("reason"), "reason")
    return Verdict(
        kind,
        status,
        value,
        reason=reason if status is VerdictStatus.OK else reason or NO_VERDICT,
        explanation=fields.optional_text(row.get("explanation"), "explanation"),
        raw=fields.optional_text(row.get("raw"), "raw"),
        thinking=fields.optional_text(row.get("thinking"), "thinking"),
        finish_reason=fields.optional_text(row.get("finish_reason"), "finish_reason"),
        tokens_in=_optional_whole(row, "tokens_in"),
        tokens_out=_optional_whole(row, "tokens_out"),
        latency_ms=fields.optional_number(row.get("latency_ms"), "latency_ms", low=0.0),
        turn=_optional_whole(row, "turn", low=1),
    )


def _status(row: Fields) -> VerdictStatus | None:
    said = fields.optional_text(row.get("status"), "status")
    if said is None:
        return None
    try:
        return VerdictStatus(said)
    except ValueError as error:
        raise FieldError("unknown status") from error


def _single(row: Fields, prompt: PromptRef, verdict: Verdict, judge: str, record: Record) -> SingleRow:
    """A score of one response. Our own export says its model in `model_a`."""
    field = "model" if not fields.absent(row.get("model")) else "model_a"
    if not fields.absent(row.get("model_b")):
        raise FieldError("a score of one response names two models")
    return SingleRow(
        prompt,
        fields.model_name(row.get(field), "model"),
        verdict,
        judge,
        source_id=_source_id(row, "verdict_key"),
        response=_turns(row, "response"),
        line=record.line,
        file=record.file,
    )


def _battle(
    row: Fields,
    prompt: PromptRef,
    game: Game,
    judge: str,
    category: str | None,
    arena: str | None,
    record: Record,
) -> BattleRow:
    verdict_key = fields.optional_identifier(row.get("verdict_key"), "verdict_key")
    return BattleRow(
        prompt,
        fields.model_name(row.get("model_a"), "model_a"),
        fields.model_name(row.get("model_b"), "model_b"),
        (game,),
        judge,
        response_a=_turns(row, "response_a"),
        response_b=_turns(row, "response_b"),
        source_id=_source_id(row, "battle_key"),
        category=category,
        occurred_at=fields.optional_seconds(row.get("occurred_at"), "occurred_at"),
        turn=game.verdict.turn,
        round=_optional_whole(row, "round"),
        arena=arena or fields.optional_text(row.get("arena"), "arena"),
        meta={} if verdict_key is None else {"verdict_keys": [verdict_key]},
        line=record.line,
        file=record.file,
    )


def _source_id(row: Fields, key: str) -> str | None:
    """What tells the row from others: as it says, else its key."""
    said = fields.optional_identifier(row.get("source_id"), "source_id")
    return said or fields.optional_identifier(row.get(key), key)


def _turns(row: Fields, field: str) -> tuple[Turn, ...] | None:
    value = row.get(field)
    return None if fields.missing(value) else turns_of(fields.turns(value, field))


def _optional_whole(row: Fields, field: str, low: int = 0) -> int | None:
    value = row.get(field)
    return None if fields.absent(value) else fields.whole(value, field, low)
