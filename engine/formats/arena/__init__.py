"""`arena`: battle logs of two models, a winner and perhaps a prompt, in the layouts that the field has."""

from engine.formats.arena.importer import ArenaImporter

__all__ = ["ArenaImporter"]
