"""The files of a benchmark in FastChat's layout, which Arena-Hard keeps.

    question.jsonl
    reference_answer/MODEL.jsonl
    model_answer/MODEL.jsonl
    model_judgment/JUDGE_single.jsonl, JUDGE_pair.jsonl    (FastChat)
    model_judgment/JUDGE/MODEL.jsonl                       (Arena-Hard)

Files in these places are taken by their place, others (that were named one by one) by what is in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from pathlib import Path

from engine.errors import UsageError
from engine.formats.sources import TableFile, stem_of

_KEPT_ROWS = 3
_ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst")


class Role(IntEnum):
    """What a file of a benchmark holds, in the order in which they are read."""

    REFERENCES = 0
    QUESTIONS = 1
    ANSWERS = 2
    JUDGMENTS = 3


_FOLDERS = {
    "reference_answer": Role.REFERENCES,
    "model_answer": Role.ANSWERS,
    "model_judgment": Role.JUDGMENTS,
}
_TELLING = (
    (Role.JUDGMENTS, ("games", "g1_winner", "judge")),
    (Role.ANSWERS, ("choices", "messages")),
    (Role.QUESTIONS, ("turns", "prompt")),
)


class BenchFile(TableFile):
    """One file of a benchmark.

    Attributes:
        root: the folder of the benchmark that it belongs to.
        folder: the name of the folder that it lies in: in Arena-Hard's judgments, the judge's.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.first = self.first[:_KEPT_ROWS]  # one import may have hundreds of files
        place = _place(path)
        self.root, self.role = place or (path.absolute().parent, self._role_by_columns())
        self.folder = path.absolute().parent.name

    def _role_by_columns(self) -> Role:
        for role, telling in _TELLING:
            if not set(telling).isdisjoint(self.columns):
                return role
        raise UsageError(
            f"{self.name} holds neither questions, nor answers, nor judgments of a benchmark",
            "\n".join(
                (
                    *(f"  {role.name.lower()}: looked for {' or '.join(names)}" for role, names in _TELLING),
                    f"  columns: {', '.join(self.columns) or 'none'}",
                )
            ),
        )


def bench_files(paths: Sequence[Path]) -> list[BenchFile]:
    """The benchmark files in folders, and those that are named, in the order in which they are to be read.

    Raises:
        UsageError: a folder holds no benchmark, or a file is of no kind of its files.
    """
    files: dict[Path, BenchFile] = {}
    for path in paths:
        found = list(_in_folder(path)) if path.is_dir() else [path]
        if not found:
            raise UsageError(
                f"{path} holds no benchmark",
                "Looked for question.jsonl, model_answer/*.jsonl and model_judgment/**/*.jsonl, also deeper.",
                "Name the folder that holds question.jsonl, or the files one by one.",
            )
        files |= {file.absolute(): BenchFile(file) for file in found if file.absolute() not in files}
    return sorted(files.values(), key=lambda file: (str(file.root), file.role))


def _in_folder(folder: Path) -> Iterator[Path]:
    candidates = (path for path in sorted(folder.rglob("*.jsonl*")) if path.name.endswith(_ENDINGS))
    return (path for path in candidates if path.is_file() and _place(path) is not None)


def _place(path: Path) -> tuple[Path, Role] | None:
    """The root and the role of a file by where it lies. A judge's folder may stand in one of its organisation."""
    absolute = path.absolute()
    for parent in absolute.parents[:3]:
        if parent.name in _FOLDERS:
            return parent.parent, _FOLDERS[parent.name]
    return (absolute.parent, Role.QUESTIONS) if stem_of(path) == "question" else None
