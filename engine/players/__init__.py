"""Players: who answers. A player turns conversations into texts, in batches, asynchronously, within limits."""
