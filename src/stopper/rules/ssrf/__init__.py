"""Weaknesses of what an application asks of other services, and of what it believes from them."""
