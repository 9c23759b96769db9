"""Judges: who decides. A judge turns a prompt and the shown responses into verdicts."""
