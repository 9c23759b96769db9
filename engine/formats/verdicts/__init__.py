"""`verdicts`: tables of verdicts, our own export among them, and the files of LLMBar."""

from engine.formats.verdicts.importer import VerdictsImporter

__all__ = ["VerdictsImporter"]
