"""What keeps a Flask from leaking: protects Flask APIs and finds the ones that leak."""

__version__ = "0.1.0"
