"""The imported Flask object: what really runs."""
