"""Weaknesses of how Flask-JWT-Extended is used."""
