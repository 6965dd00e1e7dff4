"""Four nodes over one PostgreSQL and one Redis, while each of them and everything below fails: nothing is lost, nothing is redeemed twice."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.servers.postgres import Cluster
from tests.servers.service import PASSWORD, Service, serving
from tests.servers.valkey import Valkey
from tests.service.nodes import Balancer, Person, Tally

from stopper.auth.keyring import Keyring
from stopper.store import open_store

ISSUER = "http://127.0.0.1:1"
PEOPLE = 6


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A PostgreSQL that this test alone may kill; it syncs, for what it said must survive."""
    made = Cluster()
    try:
        made.start(fsync="on")
        yield made
    finally:
        made.remove()


@pytest.fixture
def nodes(own_cluster: Cluster, own_valkey: Valkey, tmp_path: Path) -> Iterator[tuple[list[Service], str]]:
    """Four processes, one issuer, one key file; and the URL of their database."""
    url = own_cluster.new_database()
    with ExitStack() as stack:
        yield (
            [
                stack.enter_context(
                    serving(
                        tmp_path / f"node{number}", "--database", url, "--issuer", ISSUER, "--data", str(tmp_path / "data"),
                        STOPPER_REDIS_URL=own_valkey.url.reveal(),
                    )
                )
                for number in range(4)
            ],
            url,
        )  # fmt: skip


@pytest.mark.fault(2, 3, 7)
@pytest.mark.feature("F8", "F9")
def test_four_nodes_while_one_dies_the_database_crashes_redis_is_cut_and_keys_rotate(
    nodes: tuple[list[Service], str], own_cluster: Cluster, own_valkey: Valkey, tmp_path: Path
) -> None:
    """Faults 2, 3 and 7 at once, and rotations of the signing key: no lost revocation, no double redemption, no 500, no unexpected 401."""
    services, url = nodes
    balancer, tally, stop = Balancer([service.address for service in services]), Tally(), threading.Event()
    people = [Person(number, balancer, tally, stop) for number in range(PEOPLE)]
    for person in people:
        person.register()
    threads = [threading.Thread(target=person.live) for person in people]
    for thread in threads:
        thread.start()
    try:
        time.sleep(2)
        _rotate(url, tmp_path / "data" / "master.key")
        time.sleep(1)
        own_valkey.stop(signal.SIGKILL)
        time.sleep(1.5)
        own_valkey.start()
        time.sleep(1)
        _kill(services[0])
        balancer.dead.add(services[0].address)
        time.sleep(1)
        own_cluster.kill()
        time.sleep(0.5)
        own_cluster.start(fsync="on")
        _rotate(url, tmp_path / "data" / "master.key", at_once=True)
        time.sleep(4)
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert tally.wrong == []
    allowed = {200, 201, 204, 401, 429, 503, 0}
    assert {int(seen.rpartition(" ")[2]) for seen in tally.statuses} <= allowed, tally.statuses
    assert tally.statuses["POST /auth/refresh 200"] > PEOPLE * 4, tally.statuses
    assert tally.statuses["GET /auth/me 401"] > 0, "nobody looked whether a dead token is dead"
    for service in services[1:]:
        assert "Traceback" not in service.output()


def _rotate(url: str, key_file: Path, *, at_once: bool = False) -> None:
    store = open_store(url, key_file=key_file)
    ring = Keyring(store.keys, store.clock)
    ring.activate() if at_once else ring.create()
    store.close()


def _kill(service: Service) -> None:
    """The whole node at once: nobody finishes what was begun."""
    command = ["ps", "-o", "pid=", "--ppid", str(service.process.pid)]
    workers = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    service.process.kill()
    for worker in workers:
        os.kill(int(worker), signal.SIGKILL)


def test_a_throttle_counts_for_all_nodes_together(nodes: tuple[list[Service], str]) -> None:
    services, _ = nodes
    wrong = {"email": "nobody@example.com", "password": "a wrong pass phrase"}
    statuses = [services[number % 4].ask("POST", "/auth/login", wrong).status for number in range(12)]
    assert statuses == [401] * 10 + [429] * 2


def test_a_log_out_at_one_node_counts_at_once_at_the_others(nodes: tuple[list[Service], str]) -> None:
    services, _ = nodes
    person = {"email": "ann@example.com", "password": PASSWORD}
    assert services[0].ask("POST", "/auth/register", person).status == 201
    for _ in range(5):
        token = services[1].ask("POST", "/auth/login", person).json["access_token"]
        assert all(service.ask("GET", "/auth/me", token=token).status == 200 for service in services)
        assert services[0].ask("POST", "/auth/logout", {}, token=token).status == 204
        assert [service.ask("GET", "/auth/me", token=token).status for service in services] == [401] * 4


def test_a_redis_that_throws_keys_away_is_told_at_the_start(own_valkey: Valkey, tmp_path: Path) -> None:
    client = own_valkey.client()
    client.config_set("maxmemory", "100mb")
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.close()
    with serving(tmp_path / "node", STOPPER_REDIS_URL=own_valkey.url.reveal()) as service:
        assert "set maxmemory-policy noeviction" in service.output()
