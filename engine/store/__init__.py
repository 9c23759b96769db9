"""The store: one SQLite file, the only thing that workers and consoles share."""

from engine.store.store import Store, Transaction, open_store

__all__ = ["Store", "Transaction", "open_store"]
