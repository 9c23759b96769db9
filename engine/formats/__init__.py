"""Formats: other people's file layouts, read as a stream of neutral rows."""
