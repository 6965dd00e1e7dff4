"""Weaknesses of limits: how often, how much, how long."""
