"""Every test here runs on SQLite and on PostgreSQL unless it says otherwise."""

from tests.servers.fixtures import cluster, own_valkey, postgres_store, running_valkey, store, store_url, valkey

__all__ = ["cluster", "own_valkey", "postgres_store", "running_valkey", "store", "store_url", "valkey"]
