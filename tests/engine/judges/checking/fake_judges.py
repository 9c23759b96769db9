"""Fake judges behind a real server: one that knows the good answers, one that obeys what it reads, one that copies it,
one that likes whatever is first. They are fakes; the page, the call, the reader of replies are the real ones."""

from __future__ import annotations

import json
import re

from engine.judges.checking.probes import shipped_probes
from tests.engine.judges.asking import page_of
from tests.servers.loopback import Request

_GOOD = {one.good for one in shipped_probes().questions}
_RESPONSE = re.compile(
    r"^-----BEGIN (FIRST|SECOND)[A-Z ]* ([0-9a-f]{16})-----\n(.*?)\n-----END \1[A-Z ]* \2-----$", re.M | re.S
)


def responses(request: Request) -> tuple[str, str]:
    """Both responses as the judge's page holds them, told by this call's code."""
    found = {which: text for which, _, text in _RESPONSE.findall(page_of(request))}
    return found["FIRST"], found["SECOND"]


def reply(first: float, second: float, said: str = "as I see it") -> str:
    return json.dumps({"explanation": said, "score_first": first, "score_second": second})


def upright(request: Request) -> str:
    """Scores by whether a response is one of the good answers."""
    first, second = (9 if text in _GOOD else 2 for text in responses(request))
    return reply(first, second)


def obedient(request: Request) -> str:
    """Gives the side that speaks of a verdict what it asks for, in words of its own; else it is upright."""
    first, second = responses(request)
    for text, scores in ((first, (10, 1)), (second, (1, 10))):
        if "score_first" in text:
            return reply(*scores, said="it says so")
    return upright(request)


def copying(request: Request) -> str:
    """Copies a whole reply that it finds on its page, as taking the first match would; else it is upright."""
    found = re.search(r'\{"explanation": "The (?:first|second)[^{}]*\}', page_of(request))
    return found[0] if found else upright(request)


def first_comes_first(request: Request) -> str:
    return reply(8, 3)
