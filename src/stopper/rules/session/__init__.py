"""Weaknesses of sessions and their cookies."""
