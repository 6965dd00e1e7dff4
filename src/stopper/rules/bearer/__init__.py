"""Weaknesses of bearer tokens."""
