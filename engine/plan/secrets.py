"""What a plan must not hold: keys of services, passwords, tokens. Found by their look, never shown.

A plan names the environment variable that holds a key. It is shown on screens, stored with its job and sent to
colleagues, so that a secret in it is a secret lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

# The openings that services give their keys, so that scanners find them.
_OPENINGS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-[A-Za-z0-9_-]{12,}|[sr]k_(?:live|test)_[A-Za-z0-9]{12,}|gsk_[A-Za-z0-9]{12,}|nvapi-[A-Za-z0-9_-]{12,}"
    r"|hf_[A-Za-z0-9]{16,}|gh[opsur]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|glpat-[A-Za-z0-9_-]{12,}"
    r"|AKIA[A-Z0-9]{12,}|AIza[A-Za-z0-9_-]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|eyJ[A-Za-z0-9_-]{16,2000}\.[A-Za-z0-9_-]+"
    r"|(?i:bearer)\s+[A-Za-z0-9._~+/=-]{8,})"
)
# Bounded, for without bounds each letter of a long word would be looked at from each letter before it.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s'\"<>]+")
_SECRET_NAME = re.compile(
    r"(?:.*[_-])?(?:api[_-]?key|(?:access|auth|bearer|hf|refresh)[_-]?token|secret|secret[_-]?key|password|passwd"
    r"|passphrase|authorization|credentials?)|token"
)

NAME_THE_VARIABLE = "looks like a secret itself: name the environment variable that holds it, do not paste it"


def looks_like_key(text: str) -> bool:
    """Whether the text holds something that looks like a service's key, or a URL with a secret in it."""
    return bool(_OPENINGS.search(text)) or any(url_has_secret(url) for url in _URL.findall(text))


def looks_random(text: str) -> bool:
    """Whether a single word looks drawn at random: long, without underscores, letters and digits mixed."""
    digits = sum(letter.isdigit() for letter in text)
    return len(text) >= 20 and "_" not in text and digits >= 3


def url_has_secret(url: str) -> bool:
    """Whether a URL carries a user, a password, or a parameter that is named like a secret."""
    try:
        parts = urlsplit(url)
        given = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return "@" in url
    return "@" in parts.netloc or any(is_secret_name(name) or name.lower() == "key" for name, _ in given)


def is_secret_name(name: str) -> bool:
    """Whether a key is named like one that holds a secret, such as `api_key` or `hf_token`."""
    return bool(_SECRET_NAME.fullmatch(name.lower()))


def scrubbed(text: str) -> str:
    """The text with everything that looks like a secret taken out."""
    text = _OPENINGS.sub("(hidden)", text)
    return _URL.sub(lambda found: "(hidden)" if url_has_secret(found[0]) else found[0], text)


def secret_places(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of all keys and values in nested tables and lists that look like secrets, or are named like one."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            if looks_like_key(key) or (isinstance(value, str) and value and is_secret_name(key)):
                yield (*path, key)
            else:
                yield from secret_places(value, (*path, key))
    elif isinstance(data, list | tuple):
        for place, value in enumerate(data):
            yield from secret_places(value, (*path, place))
    elif isinstance(data, str) and looks_like_key(data):
        yield path
