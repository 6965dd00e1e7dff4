"""Weaknesses of signed tokens."""
