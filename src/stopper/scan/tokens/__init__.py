"""Tokens offline: bad ones that are forged, secrets that are guessed, and what a reader says of one."""
