"""Whether the texts of a candidate can be trained on. Read once, in chunks; only what is needed later is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.flywheel.selection.held_out import HeldOut
from engine.flywheel.selection.parameters import Parameters
from engine.flywheel.selection.reasons import Reason
from engine.flywheel.selection.rules import Candidate
from engine.flywheel.selection.shingles import normalised
from engine.judges.flags.kinds import Flag
from engine.judges.flags.reading import Flagged, flagged_answers
from engine.store.answers import players_of
from engine.store.sqlite import Connection

_STATUSES = {"cut": Reason.CUT, "refused": Reason.REFUSED, "empty": Reason.EMPTY}


@dataclass(frozen=True, slots=True)
class TextFacts:
    """What is kept of a response's text.

    Attributes:
        length: characters of all its turns.
        digest: the same for texts that differ in case and spaces only.
        is_unicode: whether every letter of it and of its prompt is whole.
    """

    length: int
    digest: bytes
    flags: frozenset[Flag]
    is_unicode: bool


@dataclass(frozen=True, slots=True)
class PromptText:
    """What is kept of a prompt's text. `words` is empty unless a strategy reads them.

    Attributes:
        reason: why it must not train.
    """

    digest: bytes
    reason: Reason | None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Texts:
    """Facts on texts, by number of the response and of the prompt."""

    responses: dict[int, TextFacts]
    prompts: dict[int, PromptText]


def read_texts(
    connection: Connection, candidates: Iterable[Candidate], held_out: HeldOut, *, keep_words: bool
) -> Texts:
    """The facts that `weigh` needs."""
    texts = Texts({}, {})
    wanted = [number for one in candidates for number in one.response_ids]
    for player_id, numbers in sorted(players_of(connection, wanted).items()):
        for found in flagged_answers(connection, player_id, sorted(numbers)):
            _note(texts, found, held_out, keep_words)
    return texts


def _note(texts: Texts, found: Flagged, held_out: HeldOut, keep_words: bool) -> None:
    answer, flags = found
    if answer.prompt:
        texts.responses[answer.response_id] = TextFacts(
            len("".join(answer.turns)), _digest(answer.turns), flags, _is_unicode(answer.text + answer.prompt)
        )
        if answer.prompt_id not in texts.prompts:
            reason = _held_out(held_out, answer.prompt_id, answer.prompt)
            kept = answer.prompt if keep_words else ""
            texts.prompts[answer.prompt_id] = PromptText(_digest([answer.prompt]), reason, kept)


def _held_out(held_out: HeldOut, prompt_id: int, text: str) -> Reason | None:
    if held_out.has(prompt_id, text):
        return Reason.HELD_OUT
    return Reason.NEAR_TEST if held_out.is_near(text) else None


def _digest(texts: Sequence[str]) -> bytes:
    said = "\0".join(map(normalised, texts))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).digest()[:16]


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def fault(candidate: Candidate, texts: Texts, parameters: Parameters) -> str | None:
    """Why a candidate's texts must not train: a Reason or a flag, the first that is found; None when they may."""
    prompt = texts.prompts.get(candidate.prompt_id)
    trained = [candidate.chosen, *([candidate.other] if candidate.other and parameters.takes_pairs else [])]
    if prompt is not None and prompt.reason is not None:
        return prompt.reason.value
    for one in trained:
        if (status := _STATUSES.get(one.status)) and status.value not in parameters.allow:
            return status.value
    facts = [texts.responses.get(one.response_id) for one in trained]
    if prompt is None or None in facts:
        return Reason.NO_TEXT.value
    return _fault_of([one for one in facts if one is not None], parameters)


def _fault_of(facts: Sequence[TextFacts], parameters: Parameters) -> str | None:
    if not all(one.is_unicode for one in facts):
        return Reason.NO_UNICODE.value
    flags = {flag.value for one in facts for flag in one.flags}.difference(parameters.allow)
    if flags:
        return next(flag.value for flag in Flag if flag.value in flags)
    if len(facts) < 2:
        return None
    chosen, rejected = facts
    if chosen.digest == rejected.digest:
        return Reason.SAME_TEXT.value
    most = parameters.max_length_ratio
    return Reason.LENGTH.value if most is not None and chosen.length > most * rejected.length else None
