"""`mt-bench`: FastChat's llm_judge folder, with single and pair judgments."""

from engine.formats.mt_bench.importer import MtBench

__all__ = ["MtBench"]
