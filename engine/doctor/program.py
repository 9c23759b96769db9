"""The program itself: its SQLite, and which extras are installed, by the metadata of packages alone."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from engine import __version__
from engine.doctor.finding import Finding, fine, warning
from engine.store import sqlite

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*([^;]*?)\s*(?:;(.*))?")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_UNLISTED = frozenset({"dev"})


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package that an extra brings, in a range of versions such as `>=2.10,<3`."""

    package: str
    versions: str
    extra: str


def program_findings() -> Iterator[Finding]:
    """Python, SQLite and the extras."""
    yield fine(
        "program", f"arena-tui {__version__}, Python {platform.python_version()}, {platform.platform()}"
    )
    yield sqlite_finding(sqlite.version_text, sqlite.connect.__module__ or "")
    extras: dict[str, list[Requirement]] = {}
    for one in extra_requirements():
        extras.setdefault(one.extra, []).append(one)
    for extra, requirements in extras.items():
        yield extra_finding(extra, requirements)


def sqlite_finding(version: str, module: str) -> Finding:
    """Whether several processes may write one store."""
    name = "pysqlite3" if "pysqlite3" in module else "Python's sqlite3"
    if sqlite.is_wal_safe():
        return fine("SQLite", f"{version} of {name}: several processes may write one store")
    return warning(
        "SQLite",
        f"{version} of {name}: one process at a time may write a store (it may damage one that several write)",
        "pip install pysqlite3, where there is a wheel of it; or a Python with SQLite 3.51.3 or newer",
    )


def extra_requirements() -> list[Requirement]:
    """What the extras of this program ask for."""
    found = []
    for text in metadata.requires("arena-tui") or ():
        match = _REQUIREMENT.fullmatch(text)
        extra = _EXTRA.search(match[3] or "") if match else None
        if match and extra and extra[1] not in _UNLISTED:
            found.append(Requirement(match[1], match[2], extra[1]))
    return found


def extra_finding(extra: str, requirements: list[Requirement]) -> Finding:
    """Whether an extra is installed whole, and in versions that were tried together."""
    topic, mend = f"extra {extra}", f"pip install 'arena-tui[{extra}]'"
    versions = {one.package: _installed(one.package) for one in requirements}
    there = [f"{name} {version}" for name, version in versions.items() if version is not None]
    missing = [name for name, version in versions.items() if version is None]
    if not there:
        return fine(topic, f"not installed ({mend})")
    unfit = [
        f"{one.package} {versions[one.package]} (wanted {one.versions})"
        for one in requirements
        if (version := versions[one.package]) is not None and not _fits(version, one.versions)
    ]
    if missing:
        return warning(topic, f"in part: {', '.join(there)}; missing {', '.join(missing)}", mend)
    if unfit:
        return warning(topic, f"not as it was tried: {', '.join(unfit)}", mend)
    return fine(topic, ", ".join(there))


def _installed(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _fits(version: str, versions: str) -> bool:
    """Whether a version lies in a range, by the numbers that both begin with."""
    return all(_holds(version, one.strip()) for one in versions.split(",") if one.strip())


def _holds(version: str, condition: str) -> bool:
    match = re.fullmatch(r"(>=|<=|==|<|>)\s*([0-9.]+)", condition)
    if match is None:
        return True
    ours, theirs = _numbers(version), _numbers(match[2])
    length = max(len(ours), len(theirs))
    a, b = (parts + (0,) * (length - len(parts)) for parts in (ours, theirs))
    return {">=": a >= b, "<=": a <= b, "==": a == b, "<": a < b, ">": a > b}[match[1]]


def _numbers(version: str) -> tuple[int, ...]:
    head = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    return tuple(int(part) for part in head[0].split(".")) if head else (0,)
