"""Judge templates: what a judge is told, as data. Shipped ones are data/judges/NAME.toml, others are files.

A template holds words only. What makes judging safe (fences, nonce, neutralising, the form of the reply) is put in by
engine/judges/render.py, so that no template can leave it out.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from engine.errors import PlanError, Problem, UsageError
from engine.keys import content_hash
from engine.records import VerdictKind

_PLACEHOLDER = re.compile(r"\{(nonce|turn|reply)\}")
_NOT_TEMPLATES = frozenset({"special_tokens"})


@dataclass(frozen=True, slots=True)
class TemplateText:
    """The pieces of the judge's messages, in the order in which they come.

    Attributes:
        system: the system message.
        rubric, prompt: before the conversation. The same for every pair on a prompt, so without a nonce.
        responses: before the responses; tells the nonce.
        one_turn: when only one turn is to be judged.
        missing: in place of an answer that is not there.
        ask: after the responses.
        reply_schema, reply_line: the last words, by the form of the reply.
    """

    system: str
    rubric: str
    prompt: str
    responses: str
    one_turn: str
    missing: str
    ask: str
    reply_schema: str
    reply_line: str


@dataclass(frozen=True, slots=True)
class TemplateLabels:
    """What fences call the texts between them. `turn` is added where a conversation has several."""

    system: str
    user: str
    assistant: str
    first: str
    second: str
    turn: str


@dataclass(frozen=True)
class Template:
    """A judge's words.

    Attributes:
        name, version: for people; no part of the hash.
        kind: what the judge is asked for.
    """

    name: str
    version: int
    kind: VerdictKind
    text: TemplateText
    labels: TemplateLabels

    @cached_property
    def hash(self) -> str:
        """Hash of all that is rendered from the template, 32 hexadecimal digits; names and comments aside."""
        return content_hash({"kind": self.kind, "text": asdict(self.text), "labels": asdict(self.labels)})


_TEXT = tuple(field.name for field in fields(TemplateText))
_LABELS = tuple(field.name for field in fields(TemplateLabels))
_ALLOWED: Mapping[str, frozenset[str]] = {
    "text.responses": frozenset({"nonce"}),
    "text.one_turn": frozenset({"turn"}),
    "text.missing": frozenset({"turn"}),
    "text.ask": frozenset({"nonce"}),
    "text.reply_schema": frozenset({"nonce", "reply"}),
    "text.reply_line": frozenset({"nonce", "reply"}),
    "labels.turn": frozenset({"turn"}),
}
_NEEDED: Mapping[str, str] = {
    "text.responses": "nonce",
    "text.reply_schema": "reply",
    "text.reply_line": "reply",
    "labels.turn": "turn",
}


def shipped_templates() -> tuple[str, ...]:
    """The names of the templates that come with the program."""
    files = (file.name for file in resources.files("data").joinpath("judges").iterdir())
    names = {file.removesuffix(".toml") for file in files if file.endswith(".toml")}
    return tuple(sorted(names - _NOT_TEMPLATES))


def load_template(name: str, folder: Path | None = None) -> Template:
    """A shipped template by its name, or a file: whatever holds a dot or a slash.

    Args:
        folder: what a relative path starts from, such as the plan's folder; None is the working directory.

    Raises:
        UsageError: there is no such template or file.
        PlanError: all that is wrong with it, by file and key.
    """
    if "." in name or "/" in name:
        path = (folder or Path()) / Path(name).expanduser()
        return read_template(_read_file(path), str(path))
    if name not in shipped_templates():
        raise _unknown(name)
    file = resources.files("data").joinpath(f"judges/{name}.toml")
    return read_template(file.read_text(encoding="utf-8"), f"data/judges/{name}.toml")


def read_template(text: str, source: str) -> Template:
    """A template from TOML.

    Args:
        source: the file, for messages.

    Raises:
        PlanError: all that is wrong with it, by file and key.
    """
    try:
        content = tomllib.loads(text)
    except ValueError as error:
        raise _broken(source, [Problem("", f"is no valid TOML: {error}", source=source)]) from error
    except RecursionError:
        raise _broken(source, [Problem("", "is nested too deeply for a template", source=source)]) from None
    problems = list(_problems(content, source))
    if problems:
        raise _broken(source, problems)
    return Template(
        name=content["name"],
        version=content["version"],
        kind=VerdictKind(content["kind"]),
        text=TemplateText(**{piece: words.strip() for piece, words in content["text"].items()}),
        labels=TemplateLabels(**{label: words.strip() for label, words in content["labels"].items()}),
    )


def _read_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the judge template {path} cannot be read", str(error.strerror)) from error
    except UnicodeDecodeError as error:
        raise _broken(str(path), [Problem("", f"is no UTF-8 text: {error}", source=str(path))]) from error


def _unknown(name: str) -> UsageError:
    known = shipped_templates()
    near = difflib.get_close_matches(name, known, n=1)
    hint = (
        f"Did you mean '{near[0]}'?"
        if near
        else "A template of your own is named by its path, such as ./mine.toml."
    )
    return UsageError(f"there is no judge template '{name}'", f"Shipped: {', '.join(known)}.", hint)


def _broken(source: str, problems: list[Problem]) -> PlanError:
    return PlanError(f"the judge template {source} cannot be used", tuple(problems))


def _problems(content: Mapping[str, Any], source: str) -> Iterator[Problem]:
    yield from _key_problems(content, ("name", "version", "kind", "text", "labels"), "", source)
    if not isinstance(content.get("name", ""), str):
        yield Problem("name", "expected a text", source=source)
    if type(content.get("version", 1)) is not int:
        yield Problem("version", "expected a whole number", source=source)
    if content.get("kind", VerdictKind.SCORES) not in list(VerdictKind):
        kinds = ", ".join(VerdictKind)
        yield Problem("kind", f"expected one of {kinds}, found {content['kind']!r}", source=source)
    for table, keys in (("text", _TEXT), ("labels", _LABELS)):
        words = content.get(table, {})
        if not isinstance(words, dict):
            yield Problem(table, "expected a table", source=source)
            continue
        yield from _key_problems(words, keys if table in content else (), f"{table}.", source)
        for key in keys:
            if key in words:
                yield from _word_problems(f"{table}.{key}", words[key], source)
        if table == "labels" and "first" in words and words.get("first") == words.get("second"):
            yield Problem("labels.second", "is the same as labels.first", source=source)


def _key_problems(
    table: Mapping[str, Any], known: tuple[str, ...], prefix: str, source: str
) -> Iterator[Problem]:
    for key in known:
        if key not in table:
            yield Problem(prefix + key, "is missing", source=source)
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            yield Problem(prefix + key, "is not known", source=source, nearest=near[0] if near else None)


def _word_problems(key: str, words: Any, source: str) -> Iterator[Problem]:
    if not isinstance(words, str):
        yield Problem(key, "expected a text", source=source)
        return
    if key.startswith("labels.") and len(words.strip().splitlines()) != 1:
        yield Problem(key, "expected one line", source=source)
    used, allowed = set(_PLACEHOLDER.findall(words)), _ALLOWED.get(key, frozenset())
    for name in sorted(used - allowed):
        options = ", ".join(f"{{{option}}}" for option in sorted(allowed)) or "none"
        yield Problem(key, f"{{{name}}} has no meaning here; allowed: {options}", source=source)
    needed = _NEEDED.get(key)
    if needed and needed not in used:
        yield Problem(key, f"has to hold {{{needed}}}", source=source)
