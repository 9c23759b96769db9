"""Ratings from battles: pure functions, arrays in, frozen results out. Only `leaderboard` reads a store."""
