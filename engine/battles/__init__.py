"""Battles: who meets whom, the runner that plays them, and the rule that makes games an outcome."""
