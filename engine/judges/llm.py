"""A judge that is a model, asked through any player (arena-learning.md, section 1).

What it is asked is rendered from a template (render.py), what it replies is read strictly (reply.py). Whether the
reply is held to a JSON schema or ends in a nonce line is settled when the judge is opened and is part of its key.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field

from engine import keys
from engine.errors import UsageError
from engine.judges import shape
from engine.judges.base import JudgeSpec, Question, Shown
from engine.judges.reasons import InvalidReply, Reason
from engine.judges.render import Rendering, render
from engine.judges.reply import ReplyForm, parse
from engine.judges.special import SpecialTokens, shipped_tokens, tokens_of, tokens_with
from engine.judges.template import Template, load_template
from engine.players.base import ChatReply, ChatRequest, Player, PlayerSpec
from engine.plugin_options import PluginOptions, read_options
from engine.plugins import Group
from engine.records import Message, ResponseStatus, Sampling, Verdict, VerdictStatus

DEFAULT_TEMPLATE = "arena-learning"
GAMES = 2
"""Both orders, against position bias."""

_INVALID: Mapping[ResponseStatus, tuple[VerdictStatus, Reason]] = {
    ResponseStatus.EMPTY: (VerdictStatus.UNPARSABLE, Reason.EMPTY),
    ResponseStatus.CUT: (VerdictStatus.CUT, Reason.CUT),
    ResponseStatus.REFUSED: (VerdictStatus.REFUSED, Reason.REFUSED),
    ResponseStatus.FAILED: (VerdictStatus.FAILED, Reason.FAILED),
}


class LlmOptions(PluginOptions):
    """Options of a judge of kind `llm`."""

    by: str | None = Field(
        default=None,
        description="kind of player that asks it; default http where there are endpoints, else transformers",
    )
    player: dict[str, Any] = Field(default={}, description="options of that player, such as concurrency")
    reply: Literal["auto", "schema", "line"] = Field(
        default="auto",
        description="form of the reply: one JSON object held to a schema, or free words that end in a verdict line",
    )
    explanation_chars: int | None = Field(
        default=None,
        ge=1,
        description="longest explanation, as maxLength in the schema; not every server takes it",
    )
    system_role: bool = Field(default=True, description="False puts the system text into the user's message")


def asked_by(spec: JudgeSpec) -> tuple[str, PlayerSpec]:
    """The kind of player that asks the judge's model, and its entry.

    Raises:
        PlanError: the options are wrong.
    """
    options = read_options(LlmOptions, Group.JUDGES, spec.name, spec.options)
    kind = options.by or ("http" if spec.endpoints else "transformers")
    return kind, PlayerSpec(
        spec.name, spec.model, spec.revision, spec.endpoints, spec.api_key_env, spec.sampling, options.player
    )


class LlmJudge:
    """See `base.Judge` for what each method promises.

    Args:
        player: how the model is reached; opened and closed with the judge.
        secret: the store's, from which nonces derive.
        tokens: special tokens of the judge's tokenizer; None is the shipped list, and what the player's own tokenizer
            lists where it is on this machine.
    """

    Options = LlmOptions
    asked_by = staticmethod(asked_by)
    """How the plan's player for this judge is found; a judge class without it gets no player."""

    def __init__(
        self,
        name: str,
        player: Player,
        template: Template,
        secret: bytes,
        games: int = GAMES,
        tokens: SpecialTokens | None = None,
        options: LlmOptions | None = None,
    ) -> None:
        self.name = name
        self.kind = template.kind
        self.games = games
        self.player = player
        self.template = template
        self.options = options or LlmOptions()
        self.form = ReplyForm.LINE
        self._key = ""
        self._secret = secret
        self._tokens = tokens or shipped_tokens()
        self._says_tokens = tokens is not None

    @classmethod
    def from_plan(cls, name: str, spec: JudgeSpec, player: Player | None, secret: bytes) -> Self:
        """Check the plan's entry and load template and tokenizer; touches no model.

        Args:
            player: made from `asked_by(spec)`.

        Raises:
            UsageError: there is no such template or tokenizer.
            PlanError: the template or the options are wrong.
        """
        if player is None:
            raise UsageError(f"judges.{name} needs a model that judges", mend="Give 'model' and 'endpoints'.")
        return cls(
            name,
            player,
            load_template(spec.template or DEFAULT_TEMPLATE),
            secret,
            GAMES if spec.games is None else spec.games,
            tokens_of(Path(spec.tokenizer)) if spec.tokenizer else None,
            read_options(LlmOptions, Group.JUDGES, name, spec.options),
        )

    @property
    def notes(self) -> list[str]:
        """What a person should know of how asking went; see `Player.notes`."""
        return self.player.notes

    async def open(self) -> None:
        """Open the player and settle the form of the reply: under `auto`, by trying what the player can hold to.

        Raises:
            UsageError: the player's tokenizer cannot be read. Others are the player's own.
        """
        await self.player.open()
        tokenizer: Path | None = getattr(self.player, "tokenizer", None)
        if tokenizer is not None and not self._says_tokens:
            self._tokens = tokens_with(tokenizer)
        wanted = self.options.reply
        if wanted == "auto":
            asked = shape.schema(self.kind, self.options.explanation_chars)
            wanted = "schema" if await self.player.try_schema(asked) else "line"
        self.form = ReplyForm(wanted)
        self._key = keys.judge_key(
            "llm", self._model(), self.template.hash, self.player.sampling, self._said()
        )

    def key(self) -> str:
        """By model, template, sampling and form of the reply. How many games it plays is no part."""
        return self._key

    def facts(self) -> Mapping[str, Any]:
        """What the key derives from, and the template's name and version."""
        return {
            "kind": "llm",
            "model": self._model(),
            "template": self.template.name,
            "template_version": self.template.version,
            "template_hash": self.template.hash,
            "sampling": keys.sampling_json(self.player.sampling),
            "options": self._said(),
        }

    def rendering(self, shown: Shown) -> Rendering:
        """The page as this judge is asked, before the nonce, with what was changed for it."""
        return render(self.template, shown, self._tokens, self.form, self.options.system_role)

    def question(self, shown: Shown) -> Question:
        """Render one game and derive its verdict key. Pure."""
        messages = self.rendering(shown).messages()
        return Question(keys.verdict_key(self._key, messages), shown, messages)

    def schema(self) -> Mapping[str, Any] | None:
        """The JSON schema that the player is to hold the reply to; None for a verdict line."""
        if self.form is ReplyForm.LINE:
            return None
        return shape.schema(self.kind, self.options.explanation_chars)

    async def judge(
        self, questions: Iterable[Question], attempt: int = 0
    ) -> AsyncIterator[tuple[Question, Verdict]]:
        """Ask all questions as there is room, and give verdicts as they get done.

        Questions of one key that are in flight at a time (equal responses, swapped) are asked once.
        """
        asked: dict[str, _Asked] = {}
        replies = self.player.chat(self._requests(questions, attempt, asked))
        try:
            async for reply in replies:
                one = asked.pop(reply.key)
                verdict = self._verdict(reply, one)
                for question in one.questions:
                    yield question, replace(verdict, turn=question.shown.turn)
        finally:
            if isinstance(replies, AsyncGenerator):
                await replies.aclose()

    async def close(self) -> None:
        await self.player.close()

    def _requests(
        self, questions: Iterable[Question], attempt: int, asked: dict[str, _Asked]
    ) -> Iterator[ChatRequest]:
        for question in questions:
            if question.key in asked:
                asked[question.key].questions.append(question)
                continue
            nonce = keys.nonce(self._secret, question.key)
            messages = self.rendering(question.shown).messages(nonce)
            asked[question.key] = _Asked([question], nonce, messages)
            yield self._request(question, messages, max(attempt, question.attempt))

    def _request(self, question: Question, messages: tuple[Message, ...], attempt: int) -> ChatRequest:
        sampling = _with_room(self.player.sampling, question.cuts)
        seeded_by = f"{question.key}/{attempt}" if attempt else question.key
        seed = keys.request_seed(sampling.seed, seeded_by)
        return ChatRequest(question.key, messages, sampling, seed, self.schema())

    def _verdict(self, reply: ChatReply, asked: _Asked) -> Verdict:
        """A reply as a verdict, whatever came of it."""
        verdict = Verdict(
            self.kind,
            VerdictStatus.OK,
            raw=None if reply.status is ResponseStatus.FAILED else reply.text,
            thinking=reply.thinking,
            finish_reason=reply.finish_reason,
            tokens_in=reply.tokens_in,
            tokens_out=reply.tokens_out,
            latency_ms=reply.latency_ms,
        )
        if reply.status is not ResponseStatus.OK:
            status, reason = _INVALID[reply.status]
            return replace(verdict, status=status, reason=reply.error or reason.value)
        try:
            parsed = parse(reply.text, self.kind, self.form, asked.nonce, asked.messages[-1].content or "")
        except InvalidReply as invalid:
            return replace(verdict, status=VerdictStatus.UNPARSABLE, reason=invalid.reason.value)
        return replace(verdict, value=parsed.value, explanation=parsed.explanation)

    def _model(self) -> dict[str, Any]:
        identity = self.player.identity()
        return {"kind": identity.kind, "facts": dict(identity.facts), "template": identity.template_hash}

    def _said(self) -> dict[str, Any]:
        limit = self.options.explanation_chars if self.form is ReplyForm.SCHEMA else None
        return {"reply": self.form.value} | ({} if limit is None else {"explanation_chars": limit})


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call in flight."""

    questions: list[Question]
    nonce: str
    messages: tuple[Message, ...]


def _with_room(sampling: Sampling, cuts: int) -> Sampling:
    """Twice the tokens for each time that the reply was cut. A reply that ends within any limit is the same one."""
    if sampling.max_tokens is None or cuts == 0:
        return sampling
    return replace(sampling, max_tokens=sampling.max_tokens * 2**cuts)
