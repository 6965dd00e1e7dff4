"""Weaknesses of headers of answers."""
