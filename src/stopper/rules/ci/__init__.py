"""Weaknesses of the pipeline that builds and tests the application."""
