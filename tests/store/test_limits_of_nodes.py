"""Limits of a guarded application over a real Valkey: one command a request, all nodes count together, and the server that is away."""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from tests.servers.valkey import Valkey

from stopper import Stopper, api_key, bearer, limit, public
from stopper.auth.access_token import AccessTokens
from stopper.auth.clock import system_clock
from stopper.auth.keyring import Keyring
from stopper.auth.revocation import Revocations
from stopper.extension.guard import guard_of
from stopper.store import Store, open_store

ISSUER, AUDIENCE = "https://auth.example", "https://api.example"
PEPPER = bytes(range(3, 40)).hex()


class Nodes:
    """The service, and as many nodes of one API as a test asks for."""

    def __init__(self, folder: Path, valkey: Valkey) -> None:
        self.url = f"sqlite:///{folder}/stopper.db"
        self.valkey = valkey
        self.store: Store = open_store(self.url, redis=valkey.url)
        self.store.migrate()
        keyring = Keyring(self.store.keys, system_clock)
        keyring.ensure_key()
        self.tokens = AccessTokens(ISSUER, AUDIENCE, keyring.signing_key, system_clock)
        self.revocations = Revocations(self.store.revocations, system_clock, token_lifetime=900, news=self.store.news)
        self.apps: list[Flask] = []

    def node(self, **config: Any) -> Flask:
        app = Flask("api")
        app.config.update(
            STOPPER_ISSUER=ISSUER, STOPPER_AUDIENCE=AUDIENCE, STOPPER_DATABASE_URL=self.url, STOPPER_API_KEY_PEPPER=PEPPER,
            STOPPER_REDIS_URL=self.valkey.url.reveal(), **config,
        )  # fmt: skip
        self.apps.append(app)
        stopper = Stopper(app)
        add: Callable[..., Any] = app.add_url_rule
        add("/free", "free", bearer(lambda: "free"))
        add("/open", "open", limit("100/hour", by="address")(public(lambda: "open")))
        add("/few", "few", limit("3/hour", by="principal")(bearer(lambda: "few")))
        many = limit("100/minute sliding", by="address")(
            limit("900/hour, 20/second", by="principal")(bearer(lambda: "many"))
        )
        add("/many", "many", many)
        add("/key", "key", limit("100/hour", by="key")(api_key(lambda: "key")))
        stopper.seal()
        return app

    def token(self, subject: str = "alice") -> list[tuple[str, str]]:
        found = self.tokens.issue(subject, client_id="web", auth_time=int(time.time()), sid=f"family-{subject}")
        return [("Authorization", f"Bearer {found.reveal()}")]

    def close(self) -> None:
        for store in (self.store, *(guard_of(app).parts.store for app in self.apps)):
            if store is not None:
                store.close()


@pytest.fixture
def nodes(tmp_path: Path, valkey: Valkey) -> Iterator[Nodes]:
    made = Nodes(tmp_path, valkey)
    yield made
    made.close()


def get(app: Flask, path: str, shown: list[tuple[str, str]]) -> Any:
    return app.test_client().get(path, headers=shown)


def work(app: Flask, path: str, shown: list[tuple[str, str]], valkey: Valkey) -> tuple[int, list[str], list[str]]:
    """The status of one request, the commands that it sent to the server, and its SQL statements."""
    statements: list[str] = []
    store = guard_of(app).parts.store
    assert store is not None
    listen = lambda *said: statements.append(said[2])  # noqa: E731 - it is taken off again
    event.listen(store.database.engine, "before_cursor_execute", listen)
    watcher, client = valkey.client(), valkey.client()
    client.ping()
    with watcher.monitor() as monitor:
        status = get(app, path, shown).status_code
        client.echo("done")
        commands: list[str] = []
        while "ECHO" not in (said := monitor.next_command())["command"]:
            if said["client_type"] != "lua":
                commands.append(said["command"].split(" ")[0])
    client.close()
    watcher.close()
    event.remove(store.database.engine, "before_cursor_execute", listen)
    return status, commands, statements


# -- counted ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/free", "/few", "/many"])
def test_one_command_and_no_statement_for_each_request(nodes: Nodes, valkey: Valkey, path: str) -> None:
    """Whether three limits are asked or none: they come along with the news of revocations."""
    app, shown = nodes.node(), nodes.token()
    get(app, path, shown)
    assert work(app, path, shown, valkey) == (200, ["EVALSHA"], [])
    assert work(app, path, nodes.token(), valkey) == (200, ["EVALSHA"], []), "a token that is new here"


def test_one_command_for_a_known_api_key(nodes: Nodes, valkey: Valkey) -> None:
    app = nodes.node()
    keys: Any = guard_of(app).parts.api_keys
    shown = [("X-API-Key", keys.issue("alice", name="x", rate_limit="50/hour").key.reveal())]
    for _ in range(2):
        get(app, "/key", shown)
    assert work(app, "/key", shown, valkey) == (200, ["EVALSHA"], [])


def test_a_held_address_and_an_unlimited_public_route_ask_nothing(nodes: Nodes, valkey: Valkey) -> None:
    app = nodes.node()
    app.add_url_rule("/health", "health", public(lambda: "ok"))
    app.add_url_rule("/once", "once", limit("1/hour", by="address")(public(lambda: "ok")))
    for _ in range(2):
        get(app, "/once", [])
    assert work(app, "/once", [], valkey) == (429, [], [])
    assert work(app, "/health", [], valkey) == (200, [], [])


# -- together --------------------------------------------------------------------------------------------------------------------


def test_all_nodes_count_together(nodes: Nodes) -> None:
    apps, shown = [nodes.node(), nodes.node()], nodes.token()
    answers = [get(apps[number % 2], "/few", shown) for number in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[1].headers["RateLimit"].startswith('"principal";r=1;t=')


def test_no_more_pass_than_the_limit_whatever_the_threads(nodes: Nodes) -> None:
    apps, shown = [nodes.node(), nodes.node()], nodes.token()
    with ThreadPoolExecutor(12) as pool:
        codes = list(pool.map(lambda number: get(apps[number % 2], "/few", shown).status_code, range(60)))
    assert codes.count(200) == 3


@pytest.mark.parametrize("path", ["/free", "/many"])
def test_what_another_node_revoked_counts_at_once(nodes: Nodes, path: str) -> None:
    app, shown = nodes.node(), nodes.token()
    assert get(app, path, shown).status_code == 200
    nodes.revocations.revoke_family("family-alice")
    answer = get(app, path, shown)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_an_api_key_that_another_node_ended_counts_at_once(nodes: Nodes) -> None:
    one, other = nodes.node(), nodes.node()
    keys: Any = guard_of(one).parts.api_keys
    new = keys.issue("alice", name="x")
    shown = [("X-API-Key", new.key.reveal())]
    assert [get(app, "/key", shown).status_code for app in (one, other, other)] == [200] * 3
    keys.revoke(new.record.id)
    assert get(other, "/key", shown).status_code == 401


def test_a_revoked_token_uses_up_nothing_of_its_person(nodes: Nodes) -> None:
    """Who holds a stolen token must not be able to lock its owner out once it is revoked."""
    app, stolen = nodes.node(), nodes.token()
    nodes.revocations.revoke_family("family-alice")
    codes = [get(app, "/few", stolen).status_code for _ in range(6)]
    assert codes[:3] == [401] * 3
    fresh = nodes.tokens.issue("alice", client_id="web", auth_time=int(time.time()), sid="family-2").reveal()
    assert get(app, "/few", [("Authorization", f"Bearer {fresh}")]).status_code == 200


def test_nothing_of_a_person_can_be_read_in_the_server(nodes: Nodes, valkey: Valkey) -> None:
    app = nodes.node()
    get(app, "/many", nodes.token("alice@example.org"))
    client = valkey.client()
    kept = client.keys("*")
    client.close()
    assert len([key for key in kept if b"many" in key]) == 3
    assert not [key for key in kept if b"alice" in key or b"example.org" in key]


# -- away ------------------------------------------------------------------------------------------------------------------------


def test_while_the_server_is_away_each_process_counts_for_itself(
    tmp_path: Path, own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither an open door nor a closed one; it is told once, and over when the server is back."""
    nodes = Nodes(tmp_path, own_valkey)
    app, shown = nodes.node(), nodes.token()
    assert get(app, "/few", shown).status_code == 200
    own_valkey.stop()
    with caplog.at_level(logging.WARNING, "stopper"):
        assert [get(app, "/few", shown).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert caplog.text.count("shared counters are away") == 1
    assert get(app, "/open", []).status_code == 200
    own_valkey.start()
    time.sleep(1.1)  # the breaker
    assert [get(app, "/few", shown).status_code for _ in range(4)] == [200, 200, 200, 429]
    nodes.close()


def test_a_revocation_holds_while_the_server_is_away(tmp_path: Path, own_valkey: Valkey) -> None:
    """Its number comes from nowhere then; the journal is read within its bound all the same."""
    nodes = Nodes(tmp_path, own_valkey)
    app, shown = nodes.node(), nodes.token()
    get(app, "/few", shown)
    own_valkey.stop()
    nodes.revocations.revoke_family("family-alice")
    time.sleep(1.05)  # the bound of the view
    assert get(app, "/free", shown).status_code == 401
    nodes.close()


def test_several_processes_with_a_server_are_no_matter(nodes: Nodes) -> None:
    app = nodes.node(STOPPER_RATE_LIMIT="5/hour")
    answer = app.test_client().get("/free", headers=nodes.token(), environ_overrides={"wsgi.multiprocess": True})
    assert answer.status_code == 200


def test_without_a_database_the_server_counts_all_the_same(valkey: Valkey) -> None:
    apps = []
    for _ in range(2):
        app = Flask("small")
        app.config.update(STOPPER_REDIS_URL=valkey.url.reveal(), STOPPER_RATE_LIMIT="2/hour")
        Stopper(app)
        app.add_url_rule("/", "x", public(lambda: "ok"))
        apps.append(app)
    assert [app.test_client().get("/").status_code for app in (*apps, *apps)] == [200, 200, 429, 429]
