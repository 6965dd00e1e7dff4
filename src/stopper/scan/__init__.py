"""Readers, engine, correlation, score and reports of a scan."""
