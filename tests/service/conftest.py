"""The service in this process (a test client) and as a process of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from tests.servers.fixtures import cluster, own_valkey, store_url
from tests.servers.service import Service, serving
from tests.servers.tables import tables_made_once

from stopper.auth.password import Passwords
from stopper.service import Accounts, create_app, open_accounts

__all__ = ["cluster", "own_valkey", "store_url", "tables_made_once"]


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    """Accounts over SQLite with a quick hash."""
    made = open_accounts(
        "https://auth.example.com",
        "https://api.example.com",
        data=tmp_path / "data",
        open_registration=True,
        new_scopes=("notes:read",),
        passwords=Passwords(hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1), patience=20),
    )
    yield made
    made.store.close()


@pytest.fixture
def client(accounts: Accounts) -> FlaskClient:
    """A client of the service."""
    return create_app(accounts, mode="dev").test_client()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A running service, with no option but a free port."""
    with serving(tmp_path / "run") as running:
        yield running
