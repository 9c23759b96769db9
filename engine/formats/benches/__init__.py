"""Benchmarks in FastChat's layout: questions, answers and judgments in one folder."""
