"""Features that keep something are tested over real databases."""

from tests.servers.fixtures import cluster, postgres_store, store, store_url

__all__ = ["cluster", "postgres_store", "store", "store_url"]
