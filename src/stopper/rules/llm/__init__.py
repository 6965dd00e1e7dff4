"""Endpoints behind which a language model answers."""
