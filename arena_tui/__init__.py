"""The terminal of arena-tui: the command line, its progress, and the console. No SQL, no model, no statistics."""
