"""The leaky notes API of `stopper demo`, importable from the repository: `stopper audit examples.leaky:app`."""

from stopper.demo.leaky import app

__all__ = ["app"]
