"""The engine of arena-tui: battles, judges, ratings and the store, usable from Python without a terminal."""

__version__ = "0.1.0"
