"""`mt-bench`: the folder of a benchmark as FastChat's llm_judge keeps it (MT-Bench, Vicuna bench), or files of it.

Its judge is a set of four prompts, chosen by the question's category and the judged turn (FastChat,
llm_judge/gen_judgment.py: make_judge_single, make_judge_pairwise): it is one judge here too, `gpt-4/single` or
`gpt-4/pair`, so that its tables are those of upstream's show_result.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.errors import UsageError
from engine.formats.benches.files import BenchFile
from engine.formats.benches.importer import BenchImporter
from engine.formats.benches.questions import Bench
from engine.formats.importer import RecordReader
from engine.formats.mt_bench.pair import PairReader
from engine.formats.mt_bench.quotes import quotes_of
from engine.formats.mt_bench.single import SingleReader
from engine.formats.rows import ImportOptions


class MtBench(BenchImporter):
    """Imports FastChat's question.jsonl, reference_answer, model_answer and model_judgment."""

    name = "mt-bench"
    summary = "FastChat's llm_judge folder: questions, answers, single scores and pairwise games"
    keeps_answers = True

    def bench_name(self, root: Path, files: Sequence[BenchFile]) -> str:
        """FastChat's folders are called mt_bench, vicuna_bench, ...; elsewhere the files are MT-Bench's."""
        return root.name if root.name.endswith("_bench") else "mt_bench"

    def judgments(self, file: BenchFile, bench: Bench, options: ImportOptions) -> RecordReader:
        if "g1_winner" in file.columns:
            return PairReader(file, bench, options.judge)
        if "score" in file.columns:
            return SingleReader(file, bench, options.judge, quotes_of(file))
        raise UsageError(
            f"{file.name} holds no judgments of FastChat",
            f"Looked for score, or g1_winner and g2_winner. Columns: {', '.join(file.columns)}.",
        )
