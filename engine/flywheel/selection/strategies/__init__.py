"""Ways of choosing training data that ship (arena-learning.md, section 6: data choice)."""
