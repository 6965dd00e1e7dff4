"""Weaknesses of what leaks by mistake."""
