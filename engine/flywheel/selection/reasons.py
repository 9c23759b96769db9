"""Why a prompt became no training row. Each prompt that is looked at is a row or has one of these."""

from __future__ import annotations

from enum import StrEnum

from engine.judges.flags.kinds import Flag


class Reason(StrEnum):
    """In the order in which they are looked for. A flagged response has the flag's own word in place of these."""

    HELD_OUT = "held-out"
    WAITS = "waits"
    OVERRULED = "overruled"
    MIXED = "mixed verdicts"
    NO_TARGET = "no target"
    TOO_FEW = "too few"
    NOT_MET = "not met"
    NO_MARGIN = "no margin"
    NOT_LOST = "not lost"
    NO_TEXT = "no text"
    NEAR_TEST = "near the test set"
    CUT = "cut"
    REFUSED = "refused"
    EMPTY = "empty"
    NO_UNICODE = "no Unicode"
    SAME_TEXT = "same text"
    LENGTH = "length"
    GAP = "gap"
    DUPLICATE = "duplicate"
    CATEGORY_CAP = "category cap"
    OPPONENT_CAP = "opponent cap"
    NOT_CHOSEN = "not chosen"


MEANINGS: dict[str, str] = {
    Reason.HELD_OUT: "the prompt, or one that reads the same, is in a test set",
    Reason.WAITS: "a battle on it lacks a valid verdict, so nobody knows who is best",
    Reason.OVERRULED: "a person overruled a verdict on it",
    Reason.MIXED: "its verdicts are of several kinds, whose scores cannot be compared",
    Reason.NO_TARGET: "the target has no judged response to it",
    Reason.TOO_FEW: "it has less than two judged responses",
    Reason.NOT_MET: "the target did not meet the best one",
    Reason.NO_MARGIN: "the target lost by the rule for cut responses, without a judge",
    Reason.NOT_LOST: "the target did not lose to the best one, or best and worst are equal",
    Reason.NO_TEXT: "the text of the prompt or of a response is unknown",
    Reason.NEAR_TEST: "it shares most of its words, in their order, with a test prompt",
    Reason.CUT: "a response was cut at its limit of tokens",
    Reason.REFUSED: "a response was refused",
    Reason.EMPTY: "a response is empty",
    Reason.NO_UNICODE: "a text holds half of a surrogate pair, which no tokenizer takes",
    Reason.SAME_TEXT: "chosen and rejected read the same",
    Reason.LENGTH: "chosen is too long beside rejected",
    Reason.GAP: "the gap is below K",
    Reason.DUPLICATE: "another row has the same prompt and responses",
    Reason.CATEGORY_CAP: "its category has rows enough",
    Reason.OPPONENT_CAP: "its opponent has rows enough",
    Reason.NOT_CHOSEN: "there are rows enough",
    Flag.CONSTANT: "the model gives the answer whatever it is asked",
    Flag.CONTENT_FREE: "the answer says nothing",
    Flag.INJECTED: "the answer speaks to the judge",
    Flag.SPECIAL_TOKENS: "the answer holds control tokens of tokenizers",
    Flag.HIDDEN: "the answer holds characters that nobody sees",
}
"""What each reason means, in a few words."""
