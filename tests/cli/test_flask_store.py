"""``flask stopper keys``, ``db`` and ``revoke``: run as somebody at a server would, inside an app and beside the service."""

import json
import os
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from tests.servers import forks
from tests.servers.issuing import issuing

from stopper.auth.clock import SetClock
from stopper.auth.keyring import Keyring
from stopper.core.errors import InvalidCredentialError
from stopper.store import Store, open_store

APP = """from flask import Flask
from stopper import Stopper

app = Flask("shop")
app.config.update(STOPPER_MODE="dev", STOPPER_ISSUER="http://127.0.0.1:8000", STOPPER_AUDIENCE="shop",
                  STOPPER_ACCESS_TOKEN_LIFETIME=3600, STOPPER_DATABASE_URL="sqlite:///keep/shop.db")
Stopper(app)
"""


def flask(folder: Path, *arguments: str, app: str = "") -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("STOPPER_", "FLASK_"))}
    return forks.run(
        "flask", folder, "stopper", *arguments, environ={**environment, **({"FLASK_APP": app} if app else {})}
    )


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/s/stopper.db"


@pytest.fixture
def kept(url: str) -> Store:
    store = open_store(url)
    store.migrate()
    return store


def _kids(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines()]


def test_keys_of_an_app_are_rotated_on_schedule_and_live_as_long_as_its_tokens(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    assert flask(tmp_path, "db", "upgrade", app="shop").returncode == 0
    first = flask(tmp_path, "keys", "rotate", "--every", "30d", app="shop")
    assert first.returncode == 0, first.stderr
    again = flask(tmp_path, "keys", "rotate", "--every", "30d", app="shop")
    assert "nothing to do" in again.stdout
    second = flask(tmp_path, "keys", "rotate", "--algorithm", "ES256", app="shop")
    shown = flask(tmp_path, "keys", "list", app="shop").stdout.splitlines()
    assert _kids(first.stdout) + _kids(second.stdout) == [line.split()[0] for line in shown]
    assert [line.split()[2] for line in shown] == ["active", "published"]
    with sqlite3.connect(tmp_path / "keep" / "shop.db") as rows:
        retires, expires = rows.execute(
            "SELECT retires_at, expires_at FROM signing_keys ORDER BY created_at"
        ).fetchone()
    assert expires - retires >= 3600, "a key must verify for as long as the app's tokens live"


def test_a_key_is_destroyed_only_when_nothing_needs_it(tmp_path: Path, kept: Store, url: str) -> None:
    kept.close()
    (kid,) = _kids(flask(tmp_path, "keys", "rotate", "--database", url).stdout)
    refused = flask(tmp_path, "keys", "destroy", kid, "--database", url)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("stopper: ")
    assert len(refused.stderr.splitlines()) == 1
    assert flask(tmp_path, "keys", "retire", kid, "--at-once", "--database", url).returncode == 0
    assert flask(tmp_path, "keys", "destroy", kid, "--database", url).returncode == 0
    assert flask(tmp_path, "keys", "list", "--database", url).stdout == ""


def test_of_many_nodes_with_one_schedule_one_rotates(kept: Store) -> None:
    clock = SetClock()
    Keyring(kept.keys, clock).ensure_key()
    clock.forward(31 * 86_400)
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: Keyring(kept.keys, clock).rotate_when_due(30 * 86_400.0), range(16)))
    assert len([key for key in made if key is not None]) == 1
    assert len(kept.keys.load()) == 2
    assert Keyring(kept.keys, clock).rotate_when_due(30 * 86_400.0) is None
    kept.close()


@pytest.mark.parametrize("every", ["5x", "0d", "-1d", "59m", "30", "d", "1e3d"])
def test_a_span_that_is_none_is_told(tmp_path: Path, url: str, every: str) -> None:
    done = flask(tmp_path, "keys", "rotate", f"--every={every}", "--database", url)
    assert done.returncode == 2
    assert "30d" in done.stderr
    assert not (tmp_path / "s").exists()


def test_a_backup_is_whole_private_and_never_overwrites(tmp_path: Path, kept: Store, url: str) -> None:
    made = issuing(kept)
    token = json.loads(made.refresh.open(made.account, client_id="web"))["refresh_token"]
    copy = tmp_path / "copy.db"
    assert flask(tmp_path, "db", "backup", str(copy), "--database", url).returncode == 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    again = flask(tmp_path, "db", "backup", str(copy), "--database", url)
    assert again.returncode == 2
    assert "is there already" in again.stderr
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == ["copy.db"]
    restored = open_store(f"sqlite:///{copy}", key_file=tmp_path / "s" / "master.key")
    restored.check()
    assert issuing(restored).refresh.refresh(token, client_id="web")
    restored.close()
    kept.close()


@pytest.mark.fault(39)
def test_fault_39_after_a_restore_everything_before_can_be_ended(tmp_path: Path, kept: Store, url: str) -> None:
    """Yesterday's copy has refresh tokens unused that were used since, and sessions alive that were ended since."""
    made = issuing(kept)
    token = json.loads(made.refresh.open(made.account, client_id="web"))["refresh_token"]
    copy = tmp_path / "copy.db"
    flask(tmp_path, "db", "backup", str(copy), "--database", url)
    assert made.refresh.end_by_token(token) is not None
    kept.close()
    back, key_file = f"sqlite:///{copy}", str(tmp_path / "s" / "master.key")
    done = flask(tmp_path, "revoke", "--all", "--database", back, "--key-file", key_file)
    assert done.stdout.startswith("1 sessions have ended"), done.stderr
    restored = open_store(back, key_file=Path(key_file))
    with pytest.raises(InvalidCredentialError):
        issuing(restored).refresh.refresh(token, client_id="web")
    restored.close()


def test_one_person_and_one_session(tmp_path: Path, kept: Store, url: str) -> None:
    made = issuing(kept)
    tokens = [json.loads(made.refresh.open(made.account, client_id="web"))["refresh_token"] for _ in range(3)]
    first, *_ = made.refresh.families("ann")
    assert flask(tmp_path, "revoke", "--session", first.id, "--database", url).returncode == 0
    assert len(made.refresh.families("ann")) == 2
    assert flask(tmp_path, "revoke", "--subject", "ann", "--database", url).returncode == 0
    assert made.refresh.families("ann") == []
    for token in tokens:
        with pytest.raises(InvalidCredentialError):
            made.refresh.refresh(token, client_id="web")
    for nobody in (["--subject", "nobody"], ["--session", first.id]):
        done = flask(tmp_path, "revoke", *nobody, "--database", url)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert flask(tmp_path, "revoke", "--database", url).returncode == 2
    account = made.account
    assert kept.accounts.by_id("ann"), "the account itself stays"
    assert account.active
    kept.close()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["db", "check", "--database", "postgresql://me:hunter2hunter2@127.0.0.1:1/x"], 3),
        (["db", "check", "--database", "rubbish"], 2),
        (["db", "backup", "x.db", "--database", "postgresql://me:hunter2hunter2@127.0.0.1:1/x"], 2),
        (["keys", "list", "--database", "sqlite:///x.db", "--key-file", "not-there.key"], 2),
        (["keys", "retire", "nobody", "--database", "sqlite:///y.db"], 2),
    ],
)
def test_what_goes_wrong_is_one_line_without_a_secret(tmp_path: Path, arguments: list[str], code: int) -> None:
    done = flask(tmp_path, *arguments)
    assert done.returncode == code, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("stopper: ")
    assert "hunter2" not in done.stderr + done.stdout


@pytest.mark.parametrize("arguments", [["keys", "list"], ["db", "check"], ["revoke", "--all"]])
def test_a_mistyped_database_is_told_and_not_made(tmp_path: Path, arguments: list[str]) -> None:
    done = flask(tmp_path, *arguments, "--database", "sqlite:///typo.db")
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "typo.db is not there" in done.stderr


@pytest.mark.parametrize("arguments", [["keys", "list"], ["db", "check"], ["revoke", "--all"]])
def test_a_database_without_tables_is_told_with_the_command_that_makes_them(
    tmp_path: Path, arguments: list[str]
) -> None:
    (tmp_path / "new.db").touch(mode=0o600)
    done = flask(tmp_path, *arguments, "--database", "sqlite:///new.db")
    assert done.returncode == 2, done.stderr
    assert "flask stopper db upgrade" in done.stderr
    assert flask(tmp_path, "db", "upgrade", "--database", "sqlite:///new.db").returncode == 0
    assert flask(tmp_path, *arguments, "--database", "sqlite:///new.db").returncode == 0


def _pem(key: PrivateKeyTypes, encryption: serialization.KeySerializationEncryption | None = None) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption or serialization.NoEncryption()
    )


def test_a_key_that_was_made_elsewhere_is_taken_in_once(tmp_path: Path, kept: Store, url: str) -> None:
    kept.close()
    file = tmp_path / "key.pem"
    for number, key in enumerate((ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1()))):
        file.write_bytes(_pem(key))
        file.chmod(0o600)
        first = flask(tmp_path, "keys", "import", str(file), "--database", url)
        assert first.returncode == 0, first.stderr
        assert "PRIVATE" not in first.stdout
        assert "nothing to do" in flask(tmp_path, "keys", "import", str(file), "--database", url).stdout
        shown = flask(tmp_path, "keys", "list", "--database", url).stdout.splitlines()
        assert len(shown) == number + 1
    assert [line.split()[1:3] for line in shown] == [["EdDSA", "active"], ["ES256", "published"]]


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: _pem(rsa.generate_private_key(65537, 2048)), "3072"),
        (lambda: _pem(ec.generate_private_key(ec.SECP521R1())), "another kind"),
        (
            lambda: _pem(ed25519.Ed25519PrivateKey.generate(), serialization.BestAvailableEncryption(b"x")),
            "pass phrase",
        ),
        (lambda: b"-----BEGIN PRIVATE KEY-----\nrubbish\n-----END PRIVATE KEY-----\n", "openssl"),
        (lambda: b"", "openssl"),
    ],
)
def test_what_is_no_good_key_is_refused_in_one_line(
    tmp_path: Path, kept: Store, url: str, made: Callable[[], bytes], told: str
) -> None:
    kept.close()
    file = tmp_path / "key.pem"
    file.write_bytes(made())
    file.chmod(0o600)
    done = flask(tmp_path, "keys", "import", str(file), "--database", url)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    file.chmod(0o644)
    assert "chmod 600" in flask(tmp_path, "keys", "import", str(file), "--database", url).stderr


@pytest.mark.parametrize("command", ["retire", "destroy"])
def test_a_key_id_that_begins_with_a_dash_is_no_option(tmp_path: Path, kept: Store, url: str, command: str) -> None:
    kept.close()
    found = flask(tmp_path, "keys", command, "-31ZR3NztYGaS44xA", "--database", url)
    assert found.returncode == 2
    assert found.stderr.startswith("stopper: "), found.stderr
    assert "-31ZR3NztYGaS44xA" in found.stderr
