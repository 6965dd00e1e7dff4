"""The catalogue: one weakness is `<slug>.py` and `<slug>.md`."""
