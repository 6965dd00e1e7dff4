"""Features that keep something are tested over real databases."""

from tests.servers.fixtures import cluster, postgres_store, store, store_url
from tests.servers.tables import tables_made_once

__all__ = ["cluster", "postgres_store", "store", "store_url", "tables_made_once"]
