"""Every test here runs on SQLite and on PostgreSQL unless it says otherwise."""

from tests.servers.fixtures import cluster, postgres_store, store, store_url

__all__ = ["cluster", "postgres_store", "store", "store_url"]
