"""Faces that look like other libraries and stand on Stopper: for people who come from elsewhere."""
