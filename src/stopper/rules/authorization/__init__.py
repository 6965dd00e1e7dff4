"""Routes that let the wrong people in."""
