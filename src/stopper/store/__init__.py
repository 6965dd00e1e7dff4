"""Where auth features keep things: SQLite by default, PostgreSQL by the same code."""

from stopper.store.opening import Store, open_store

__all__ = ["Store", "open_store"]
