"""Why a prompt became no training row. Each prompt that is looked at is a row or has one of these."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """In the order in which they are looked for. A flagged response has the flag's own word in place of these.

    held-out          the prompt, or one that differs from it in nothing but case and spaces, is in the test set
    waits             a battle on it lacks a valid verdict, so that nobody knows who is best
    overruled         a person overruled a verdict on it
    mixed verdicts    its verdicts are of several kinds, whose scores cannot be compared
    no target         the target has no judged response to it
    too few           it has less than two judged responses
    not met           the target did not meet the best one
    no margin         the target lost without a judge, by a rule for cut responses
    not lost          the target did not lose to the best one; or best and worst are equal
    no text           the text of the prompt or of a response is unknown
    near the test set  the prompt shares most of its word runs with one of the test set
    cut, refused, empty  a response of the row is so
    no Unicode        a text holds half of a surrogate pair, which no tokenizer takes
    same text         chosen and rejected read the same
    length            chosen is too long beside rejected
    gap               the gap is below K
    duplicate         another row has the same prompt and responses, but for case and spaces
    category cap, opponent cap  there are rows enough of its category, or opponent
    not chosen        the strategy had rows enough
    """

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
