"""Weaknesses of how an application is served: transport."""
