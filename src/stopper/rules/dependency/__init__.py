"""Weaknesses that come with the libraries an application stands on."""
