"""The doctor's checks of what lies behind an application: databases, files, clocks, Redis."""

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.extension.made import Made
from tests.extension.test_doctor import judged, made
from tests.servers.fixtures import cluster, store_url

from stopper import Secret, bearer
from stopper.auth.clock import SetClock, system_clock
from stopper.extension import logs
from stopper.store import open_store

__all__ = ["cluster", "store_url"]


def over(url: str, **config: Any) -> Made:
    return made({"STOPPER_DATABASE_URL": url, **config})


def test_a_guard_that_keeps_nothing_is_asked_nothing() -> None:
    for check in ("schema_current", "files_closed_to_others", "clocks_agree", "redis_keeps_keys", "stores_over_tls", "stores_ask_who", "nonces_fresh"):  # fmt: skip
        assert judged(check, made()).verdict == "not applicable"


def test_a_schema_that_somebody_changed(tmp_path: Path) -> None:
    found = over(f"sqlite:///{tmp_path}/s.db")
    assert judged("schema_current", found).verdict == "not met", "not migrated yet"
    found.stopper.seal()
    assert judged("schema_current", found).verdict == "met"
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("DROP TABLE api_keys")
    connection.close()
    outcome = judged("schema_current", found)
    assert (outcome.verdict, "api_keys" in outcome.evidence) == ("not met", True)


@pytest.mark.skipif(os.name != "posix", reason="file modes")
@pytest.mark.parametrize("name", ["s.db", "master.key", "."])
def test_files_that_others_can_read(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "keep"
    found = over(f"sqlite:///{folder}/s.db")
    found.stopper.seal()
    assert judged("files_closed_to_others", found).verdict == "met"
    (folder / name).chmod(0o777 if name == "." else 0o644)
    outcome = judged("files_closed_to_others", found)
    assert (outcome.verdict, "chmod" in outcome.mend) == ("not met", True)


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_a_log_file_that_others_can_read(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    found = made({"STOPPER_LOG_TO": str(log)})
    log.touch(mode=0o600)
    log.chmod(0o600)
    assert judged("log_file_closed_to_others", found).verdict == "met"
    assert judged("lines_in_utc", found).verdict == "met"
    log.chmod(0o644)
    assert judged("log_file_closed_to_others", found).verdict == "not met"
    assert judged("log_file_closed_to_others", made()).verdict == "your part"
    logs.uninstall(str(log))


def test_clocks_that_differ(store_url: str, tmp_path: Path) -> None:
    def asked(off: float) -> str:
        store = open_store(store_url, key_file=tmp_path / "keep" / "master.key")
        found = Made(store=store, clock=SetClock(system_clock() + off))
        found.route("/notes", bearer, "notes")
        try:
            return judged("clocks_agree", found).verdict
        finally:
            store.close()

    postgres = store_url.startswith("postgresql")
    assert asked(0) == ("met" if postgres else "not applicable")
    assert asked(120) == asked(-120) == ("not met" if postgres else "not applicable")


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        ("postgresql://app@db.example/app", "not met"),
        ("postgresql://app@db.example/app?sslmode=require", "not met"),
        ("postgresql://app@db.example/app?sslmode=verify-full", "met"),
        ("postgresql://app@127.0.0.1/app", "met"),
        ("postgresql://app@/app?host=/run/postgresql", "met"),
        ("postgresql://app@/app?host=db.example", "not met"),
    ],
)
def test_a_database_elsewhere_without_tls(url: str, verdict: str) -> None:
    assert judged("stores_over_tls", over(url)).verdict == verdict


@pytest.mark.parametrize(
    ("url", "tls", "who"),
    [
        ("redis://cache.example:6379/0", "not met", "not met"),
        ("redis://:redis@cache.example:6379/0", "not met", "not met"),
        ("rediss://:b3c9f0a17d@cache.example:6379/0", "met", "met"),
        ("redis://127.0.0.1:6379/0", "met", "met"),
        ("unix:///run/valkey.sock", "met", "met"),
    ],
)
def test_a_redis_elsewhere_without_tls_or_password(url: str, tls: str, who: str, tmp_path: Path) -> None:
    found = over(f"sqlite:///{tmp_path}/s.db", STOPPER_REDIS_URL=url)
    assert judged("stores_over_tls", found).verdict == tls
    outcome = judged("stores_ask_who", found)
    assert outcome.verdict == who
    assert "b3c9f0a17d" not in repr(outcome)


@pytest.mark.parametrize(("password", "verdict"), [("postgres", "not met"), ("app", "not met"), ("q7Lm-0pX2v", "met")])
def test_a_database_with_a_password_that_everybody_tries(password: str, verdict: str) -> None:
    url = f"postgresql://app:{password}@127.0.0.1/app"
    outcome = judged("stores_ask_who", over(url))
    assert outcome.verdict == verdict
    assert "q7Lm" not in repr(outcome)


def test_a_redis_that_throws_keys_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = over(f"sqlite:///{tmp_path}/s.db", STOPPER_REDIS_URL="redis://127.0.0.1:6379/0")
    server = found.app.extensions["stopper"].parts.store.redis
    for evicts, verdict in ((True, "not met"), (False, "met")):
        # What a real server says of itself is judged in tests/store/test_redis.py.
        monkeypatch.setattr(type(server), "evicts", lambda _, said=evicts: said)
        assert judged("redis_keeps_keys", found).verdict == verdict


def test_nonces_that_come_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = over(f"sqlite:///{tmp_path}/s.db")
    assert judged("nonces_fresh", found).verdict == "met"
    monkeypatch.setattr("stopper.store.sealing.os.urandom", bytes)
    assert judged("nonces_fresh", found).verdict == "not met"


def test_where_secrets_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pepper"
    file.write_text("a6f1c02b9d8e47f3a6f1c02b9d8e47f3ff")
    file.chmod(0o600)
    outcome = judged("secrets_by_reference", made({"STOPPER_API_KEY_PEPPER": f"file:{file}"}))
    assert outcome.verdict == "your part"
    assert judged("secrets_by_reference", made()).verdict == "not applicable"
    given = made({"STOPPER_API_KEY_PEPPER": Secret("a6f1c02b9d8e47f3a6f1c02b9d8e47f3ff")})
    assert judged("secrets_by_reference", given).verdict == "not applicable", (
        "made by the program, from wherever it took it"
    )


def test_a_secret_that_is_old_or_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "pepper"
    file.write_text("a6f1c02b9d8e47f3a6f1c02b9d8e47f3ff")
    file.chmod(0o600)
    found = made({"STOPPER_API_KEY_PEPPER": f"file:{file}"}, clock=system_clock)
    assert judged("secrets_sound", found).verdict == "met"
    os.utime(file, (1_000_000_000, 1_000_000_000))
    assert "is old" in judged("secrets_sound", found).evidence
    file.unlink()
    assert judged("secrets_sound", found).verdict == "open"


def test_a_key_that_lies_in_the_store(tmp_path: Path) -> None:
    assert judged("key_never_leaves", made()).verdict == "not applicable"
    own = over(f"sqlite:///{tmp_path}/s.db", STOPPER_ISSUER="https://auth.example.com", STOPPER_AUDIENCE="a")
    assert judged("key_never_leaves", own).verdict == "your part"
