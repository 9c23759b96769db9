"""`alpaca-eval`: AlpacaEval's own files, and tables made of them."""

from engine.formats.alpaca_eval.importer import AlpacaEval

__all__ = ["AlpacaEval"]
