"""LLaMA-Factory's layout (its data/README.md): a data file in the OpenAI form, and dataset_info.json beside it.

Its loader skips conversations whose user and assistant turns do not alternate, and a pair there is one reply each
after one history. Such rows are left out here, and counted, rather than skipped there with a warning.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.flywheel.exporting.files import Cell, Columns, FileFormat, Row, replacing, write
from engine.flywheel.exporting.rows import Messages, TrainingRow

INFO = "dataset_info.json"

SFT: Columns = {"id": Cell.TEXT, "messages": Cell.MESSAGES}
PAIRS: Columns = {
    "id": Cell.TEXT,
    "messages": Cell.MESSAGES,
    "chosen": Cell.MESSAGE,
    "rejected": Cell.MESSAGE,
}

_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}


@dataclass(slots=True)
class LlamaFactoryExport:
    """What was written.

    Attributes:
        name: of the data set, as LLaMA-Factory's `dataset` wants it.
        left_out: rows that its layout cannot hold.
    """

    name: str
    file: Path
    rows: int = 0
    left_out: int = 0


def export_llama_factory(
    rows: Iterable[TrainingRow], folder: Path, name: str, form: FileFormat, *, has_pairs: bool
) -> LlamaFactoryExport:
    """Write a data file into a folder and enter it in its dataset_info.json, beside what is entered there.

    Raises:
        UserError: a file cannot be written, or dataset_info.json is none.
    """
    told = LlamaFactoryExport(name, folder / f"{name}.{form.value}")
    info = _read_info(folder / INFO)
    info[name] = _entry(told.file.name, has_pairs)
    with replacing(told.file) as stream:
        told.rows = write(_rows(rows, has_pairs, told), PAIRS if has_pairs else SFT, form, stream)
    with replacing(folder / INFO) as stream:
        stream.write(json.dumps(info, indent=2).encode() + b"\n")
    return told


def _entry(file_name: str, has_pairs: bool) -> dict[str, Any]:
    pairs = {"chosen": "chosen", "rejected": "rejected"} if has_pairs else {}
    return {
        "file_name": file_name,
        "formatting": "sharegpt",
        **({"ranking": True} if has_pairs else {}),
        "columns": {"messages": "messages", **pairs},
        "tags": _TAGS,
    }


def _read_info(path: Path) -> dict[str, Any]:
    try:
        info = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read", str(error), "Mend it, or name another folder.") from None
    if not isinstance(info, dict):
        raise UserError(f"{path} is no dataset_info.json", mend="Name another folder.")
    return info


def _rows(rows: Iterable[TrainingRow], has_pairs: bool, told: LlamaFactoryExport) -> Iterator[Row]:
    for row in rows:
        made = _pair(row) if has_pairs else _sft(row)
        if made is None:
            told.left_out += 1
        else:
            yield made


def _sft(row: TrainingRow) -> Row | None:
    messages = [*row.prompt, *row.chosen]
    return {"id": row.id, "messages": messages} if _alternates(messages, ends="assistant") else None


def _pair(row: TrainingRow) -> Row | None:
    """Its one reply each; earlier open turns have to be answered alike by both."""
    assert row.rejected is not None
    *history, chosen = row.chosen
    *other, rejected = row.rejected
    messages = [*row.prompt, *history]
    if history != other or not _alternates(messages, ends="user"):
        return None
    return {"id": row.id, "messages": messages, "chosen": chosen, "rejected": rejected}


def _alternates(messages: Messages, ends: str) -> bool:
    """Whether user and assistant take turns, behind at most one system message, and the right one is last."""
    turns = messages[1:] if messages and messages[0]["role"] == "system" else messages
    roles = [turn["role"] for turn in turns]
    return bool(roles) and roles[-1] == ends and roles == (["user", "assistant"] * len(roles))[: len(roles)]
