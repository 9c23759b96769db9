"""Why a verdict is invalid, in words that can be counted. They are stored: a new one is added, none is reworded."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The reasons that judges of ours give.

    The first group is of status unparsable, the second names its status. A call that failed has its player's words.
    """

    EMPTY = "empty reply"
    NOT_AN_OBJECT = "not a JSON object"
    NOT_JSON = "broken JSON"
    NESTED = "nested value"
    DUPLICATE_KEY = "duplicate key"
    MISSING_KEY = "missing key"
    UNEXPECTED_KEY = "unexpected key"
    NOT_A_NUMBER = "not a number"
    OUT_OF_RANGE = "out of range"
    NOT_A_TEXT = "not a text"
    NOT_ON_OFFER = "not on offer"
    TEXT_AFTER = "text after the verdict"
    NO_VERDICT = "no verdict line"
    OTHER_CODE = "verdict line with another code"
    TWO_VERDICTS = "more than one verdict line"
    NOT_A_LINE = "verdict inside other text"
    COPIED = "copied from what was shown"

    CUT = "cut at its limit"
    REFUSED = "refused to judge"
    FAILED = "call failed"
    NOT_RECORDED = "not recorded"
    NOT_CHECKABLE = "not checkable"


class InvalidReply(ValueError):
    """A reply that is no verdict."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason
