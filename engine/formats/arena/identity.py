"""Moved to engine.formats.identity."""

from engine.formats.identity import PromptNames, RowIds

__all__ = ["PromptNames", "RowIds"]
