"""Weaknesses of log-in, registration and accounts."""
