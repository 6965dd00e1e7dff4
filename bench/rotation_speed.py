"""How many refresh rotations a second beside the least that could be called one (goal P10: 0.8 of it, no lock errors).

The other side is a compare-and-set by hand on the same engine: one UPDATE … RETURNING that marks the token used where its family lives, and one INSERT of
the successor. It signs nothing, looks at no account, and keeps no answer for whoever lost it. Ours does all of that in one transaction. A third side is
ours with an access token that costs nothing, which tells what the database alone makes of it.

Run: python bench/rotation_speed.py            SQLite in a temporary folder
     python bench/rotation_speed.py postgres   a PostgreSQL that the tests' helper starts (needs the test group)
"""

import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Column, Float, LargeBinary, MetaData, String, Table, bindparam, insert, select, update

from stopper.auth.access_token import AccessTokens
from stopper.auth.account import Account
from stopper.auth.clock import system_clock
from stopper.auth.keyring import Keyring
from stopper.auth.refresh_token import RefreshTokens
from stopper.core.secret import Secret
from stopper.store import Store, open_store

ROUNDS = 9
SECONDS = 0.6
Rotate = Callable[[str], str]

_tables = MetaData()
_families = Table("bench_families", _tables, Column("id", String(32), primary_key=True), Column("ended_at", Float))
_tokens = Table(
    "bench_tokens",
    _tables,
    Column("digest", LargeBinary, primary_key=True),
    Column("family", String(32)),
    Column("until", Float),
    Column("used_at", Float),
)
_USE = (
    update(_tokens)
    .where(
        _tokens.c.digest == bindparam("shown"),
        _tokens.c.used_at.is_(None),
        _tokens.c.until > bindparam("now"),
        select(_families.c.id).where(_families.c.id == _tokens.c.family, _families.c.ended_at.is_(None)).exists(),
    )
    .values(used_at=bindparam("now"))
    .returning(_tokens.c.family)
)


def by_hand(store: Store) -> tuple[Rotate, Callable[[], str]]:
    """The compare-and-set, over the same engine with the same lines of writers."""

    def rotate(token: str) -> str:
        made = os.urandom(32).hex()
        now = time.time()

        def work(connection):
            family = connection.execute(_USE, {"shown": token.encode(), "now": now}).scalar_one()
            connection.execute(
                insert(_tokens), {"digest": made.encode(), "family": family, "until": now + 600, "used_at": None}
            )

        store.database.write(work)
        return made

    def first() -> str:
        token, family = os.urandom(32).hex(), os.urandom(8).hex()

        def work(connection):
            connection.execute(insert(_families), {"id": family, "ended_at": None})
            connection.execute(
                insert(_tokens),
                {"digest": token.encode(), "family": family, "until": time.time() + 600, "used_at": None},
            )

        store.database.write(work)
        return token

    _tables.create_all(store.database.engine)
    return rotate, first


class _Free(AccessTokens):
    """Tokens that nobody signs."""

    def issue(self, *_given: object, **_named: object) -> Secret:
        return Secret("e30.e30.e30")


def ours(store: Store, access: type[AccessTokens]) -> tuple[Rotate, Callable[[], str]]:
    """Refresh tokens as the service has them."""
    keyring = Keyring(store.keys, system_clock)
    keyring.ensure_key()
    tokens = access("https://auth.example.com", "https://api.example.com", keyring.signing_key, system_clock)
    refresh = RefreshTokens(store.refresh, tokens, system_clock)
    store.accounts.add(Account("ann", "ann@example.com", "hash", time.time(), (), ()))
    account = store.accounts.by_id("ann")
    assert account is not None

    def rotate(token: str) -> str:
        return str(json.loads(refresh.refresh(token, client_id="web"))["refresh_token"])

    def first() -> str:
        return str(json.loads(refresh.open(account, client_id="web"))["refresh_token"])

    return rotate, first


def rate(rotate: Rotate, first: Callable[[], str], threads: int) -> tuple[float, int]:
    """Rotations a second of so many chains at once, and how many failed."""
    chains = [first() for _ in range(threads)]
    done, failed = [0] * threads, [0] * threads
    barrier = threading.Barrier(threads)

    def work(number: int) -> None:
        token = chains[number]
        barrier.wait()
        end = time.perf_counter() + SECONDS
        while time.perf_counter() < end:
            try:
                token = rotate(token)
                done[number] += 1
            except Exception:  # noqa: BLE001 - whatever goes wrong is counted
                failed[number] += 1

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(done) / (time.perf_counter() - begun), sum(failed)


def measured(url: str, folder: Path) -> None:
    store = open_store(url, key_file=folder / "master.key")
    store.migrate()
    sides = {"by hand": by_hand(store), "ours": ours(store, AccessTokens), "ours, unsigned": ours(store, _Free)}
    for threads in (1, 8):
        ratios: dict[str, list[float]] = {name: [] for name in sides}
        errors = 0
        for _ in range(ROUNDS):
            rates = {}
            for name, (rotate, first) in sides.items():
                rates[name], failed = rate(rotate, first, threads)
                errors += failed
            for name, found in rates.items():
                ratios[name].append(found / rates["by hand"])
        for name in ("ours", "ours, unsigned"):
            ratio = statistics.median(ratios[name])
            sys.stdout.write(f"{store.database.dialect}, {threads} threads: {name} ÷ by hand {ratio:.2f}\n")
        sys.stdout.write(f"{store.database.dialect}, {threads} threads: errors {errors}\n")
    store.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if sys.argv[1:] == ["postgres"]:
            sys.path.insert(0, str(Path(__file__).parents[1]))
            from tests.servers.postgres import Cluster

            cluster = Cluster()
            cluster.start()
            try:
                measured(cluster.new_database(), folder)
            finally:
                cluster.remove()
        else:
            measured(f"sqlite:///{folder}/bench.db", folder)


if __name__ == "__main__":
    main()
