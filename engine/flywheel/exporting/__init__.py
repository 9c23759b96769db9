"""Stored selections as files that trainers read."""
