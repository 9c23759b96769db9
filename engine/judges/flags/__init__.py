"""Flags of answers: what says that a verdict on one may rest on something else than its worth."""
