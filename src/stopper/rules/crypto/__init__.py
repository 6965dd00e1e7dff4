"""Weaknesses of keys, randomness and comparisons, and of connections."""
