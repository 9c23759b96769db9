"""Probes of a judge: does it know good from bad, and is it fooled? See docs/judging.md."""
