"""Weaknesses of cross-origin requests."""
