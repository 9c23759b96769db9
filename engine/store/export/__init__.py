"""Tables of the store as rows that mean something outside of it: names in place of numbers, texts in place of hashes.

What importers read back is written so that they give the same store again: prompts, responses, games (with what their
judge said), scores of single responses among the verdicts, and battles.
"""

from engine.store.export.reading import COLUMNS, Filters, table_rows

__all__ = ["COLUMNS", "Filters", "table_rows"]
