"""Weaknesses of API keys."""
