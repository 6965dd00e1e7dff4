"""The same API behind Stopper, importable from the repository: `stopper audit examples.sealed:app`."""

from stopper.demo.sealed import app

__all__ = ["app"]
