"""``flask stopper keys``, ``db`` and ``revoke``: the life of signing keys and of the store, inside an app or beside the service."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import click
from flask.cli import ScriptInfo

from stopper.auth.algorithm import canonical_name
from stopper.auth.private_key import ALGORITHMS
from stopper.auth.revocation import keep_for
from stopper.cli.flask_ending import ending
from stopper.cli.span import Span
from stopper.core.errors import SettingError, StoreUnavailableError
from stopper.core.secret import Secret

if TYPE_CHECKING:
    from stopper.auth.keyring import Keyring
    from stopper.auth.signing_key import Algorithm, SigningKey
    from stopper.secrets.key_place import KeyPlace
    from stopper.secrets.signing import KeyPlaces
    from stopper.store import Store

_DASHED: Final = {"ignore_unknown_options": True}
"""One key id of 64 begins with a dash; it is no option."""
_NAMES: Final = (*ALGORITHMS, "Ed25519")
_LEAST: Final = 3_600
"""Seconds between two rotations: a key must be published, used and retired before the next but one comes."""


def _where(command: Any) -> Any:
    command = click.option("--key-file", type=click.Path(path_type=Path), help="The master.key of that store.")(command)
    return click.option("--database", metavar="URL", help="The store of a service; without it, that of the app.")(
        command
    )


@contextmanager
def _opened(
    context: click.Context, database: str | None, key_file: Path | None, *, new: bool = False
) -> "Generator[tuple[Store, float]]":
    """The store of the options, else that of the app, and the life of its access tokens in seconds. What goes wrong is one line: exit 2, or 3 where nothing answers.

    Only with *new* a SQLite file that is not there yet is made.
    """
    with ending():
        store, life = _named(database, key_file, new=new) if database else _of_app(context)
        try:
            yield store, life
        except StoreUnavailableError:
            if _is_empty(store):
                raise SettingError("the store has no tables yet; type flask stopper db upgrade first") from None
            raise
        finally:
            store.close()


def _is_empty(store: "Store") -> bool:
    from stopper.store.migration import current

    return current(store.database) is None


def _named(database: str, key_file: Path | None, *, new: bool) -> "tuple[Store, float]":
    from stopper.auth.access_token import lifetime
    from stopper.core.settings import Settings
    from stopper.store import open_store
    from stopper.store.database import Database

    path = Database(database).path
    if path is not None and not path.exists() and not new:
        raise SettingError(f"{path} is not there; look at --database, or make it: flask stopper db upgrade")
    if key_file is not None and not key_file.exists():
        raise SettingError(f"{key_file} is not there; name the master.key of the service with --key-file")
    # That one alone: the settings of a whole service may stand beside it, and nobody has declared them here.
    said = {key: value for key, value in os.environ.items() if key == lifetime.key}
    life = float(Settings({}, said).get(lifetime))
    return open_store(database, key_file=key_file, keep_revoked=keep_for(life)), life


def _of_app(context: click.Context) -> "tuple[Store, float]":
    from stopper.auth.access_token import lifetime
    from stopper.extension.guard import guard_of

    guard = guard_of(context.ensure_object(ScriptInfo).load_app())
    store = guard.parts.store
    if store is None:
        raise SettingError("this app keeps nothing; name the store of the service with --database")
    return store, float(guard.settings.get(lifetime))


def _ring(store: "Store", life: float, algorithm: str | None = None) -> "Keyring":
    from stopper.auth.keyring import Keyring

    name = cast("Algorithm", canonical_name(algorithm or "EdDSA"))
    return Keyring(store.keys, store.clock, algorithm=name, token_lifetime=life)


def _made(key: "SigningKey") -> None:
    click.echo(f"{key.kid}  {key.algorithm}  {_dates(key)}{_at(key)}")
    if key.symmetric:
        click.echo(
            "HS256 is a secret: it is not in the key set, so no other service can verify these tokens, and whoever verifies them here"
            " can also make them.",
            err=True,
        )


@click.group("keys")
def keys() -> None:
    """The keys that sign tokens."""


@keys.command("list")
@_where
@click.pass_context
def list_keys(context: click.Context, database: str | None, key_file: Path | None) -> None:
    """Print every key with its dates; private parts are never shown."""
    with _opened(context, database, key_file) as (store, _):
        now = store.clock()
        for key in store.keys.load():
            click.echo(f"{key.kid}  {key.algorithm:5}  {_state(key, now):9}  {_dates(key)}{_at(key)}")


def _state(key: "SigningKey", now: float) -> str:
    if not key.may_verify(now):
        return "expired"
    if key.activates_at > now:
        return "published"
    return "active" if key.retires_at is None or key.retires_at > now else "retired"


def _dates(key: "SigningKey") -> str:
    said = [("signs from", key.activates_at), ("until", key.retires_at), ("verifies until", key.expires_at)]
    return ", ".join(f"{name} {_date(when)}" for name, when in said if when is not None)


def _at(key: "SigningKey") -> str:
    return f", lives at {key.place}" if key.place else ""


def _date(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


@keys.command("rotate")
@click.option(
    "--every", type=Span(least=_LEAST), help="Only where the newest key is older than this; run it from cron."
)
@click.option("--at-once", is_flag=True, help="The new key signs at once: for a key that leaked.")
@click.option(
    "--algorithm",
    type=click.Choice(_NAMES),
    default="EdDSA",
    show_default=True,
    help="HS256 is a secret, verified by this service alone.",
)
@click.option("--leave-place", is_flag=True, help="Make a key in the store, though the newest one lives elsewhere.")
@_where
@click.pass_context
def rotate(
    context: click.Context,
    every: int | None,
    at_once: bool,
    algorithm: str,
    leave_place: bool,
    database: str | None,
    key_file: Path | None,
) -> None:
    """Publish a new key. It signs once every cached key set has it; the old one retires then and verifies for as long as its tokens live."""
    if at_once and every is not None:
        raise click.UsageError("--at-once and --every exclude each other")
    with _opened(context, database, key_file) as (store, life):
        ring = _ring(store, life, algorithm)
        if at_once:
            made: SigningKey | None = ring.activate(leave_place=leave_place)
        elif every is None:
            made = ring.create(leave_place=leave_place)
        else:
            made = ring.rotate_when_due(every, leave_place=leave_place)
        if made is None:
            click.echo("nothing to do: the newest key is young enough")
            return
        _made(made)


@keys.command("import", short_help="Take in a private key that was made elsewhere.")
@click.argument("source", metavar="FILE|PLACE")
@click.option("--algorithm", type=click.Choice(_NAMES), help="What it signs under: PS256 for RSA, HS256 for a secret.")
@click.option("--at-once", is_flag=True, help="It signs at once: for the successor of a key that leaked.")
@_where
@click.pass_context
def import_key(
    context: click.Context,
    source: str,
    algorithm: str | None,
    at_once: bool,
    database: str | None,
    key_file: Path | None,
) -> None:
    """Take in a private key (PEM or JWK) from FILE, or the newest key of a PLACE that it never leaves (vault-transit:transit/stopper).

    It signs once every cached key set has it.
    """
    with _opened(context, database, key_file) as (store, life):
        ring, name = _ring(store, life, algorithm), cast("Algorithm | None", algorithm and canonical_name(algorithm))
        place = _place(source)
        if place is None:
            made = ring.adopt(_material(Path(source)), name, at_once=at_once)
        else:
            made = ring.adopt_found(_places(context, database).find(place, name or ""), at_once=at_once)
        if made is None:
            click.echo("nothing to do: that key is here already")
        else:
            _made(made)


def _place(source: str) -> "KeyPlace | None":
    from stopper.secrets.key_place import parse_place
    from stopper.secrets.reference import NotAReferenceError

    try:
        return parse_place(source)
    except NotAReferenceError as wrong:
        raise SettingError(f"{source} {wrong}") from None


def _places(context: click.Context, database: str | None) -> "KeyPlaces":
    from stopper.secrets.loading import key_places, own_settings

    config: dict[str, Any] = {} if database else dict(context.ensure_object(ScriptInfo).load_app().config)
    return key_places(own_settings(config, os.environ), config)


def _material(file: Path) -> Secret:
    try:
        readable = os.name == "posix" and file.stat().st_mode & 0o077
        found = Secret(file.read_bytes())
    except OSError as wrong:
        raise SettingError(f"{file}: {wrong.strerror}; name a file that you can read") from None
    if readable:
        raise SettingError(f"{file}: others can read it; run: chmod 600 {file}")
    return found


@keys.command("retire", context_settings=_DASHED)
@click.argument("kid")
@click.option("--at-once", is_flag=True, help="Refuse every token that it signed, from now on.")
@_where
@click.pass_context
def retire(context: click.Context, kid: str, at_once: bool, database: str | None, key_file: Path | None) -> None:
    """Stop signing with a key."""
    with _opened(context, database, key_file) as (store, life):
        _ring(store, life).retire(kid, at_once=at_once)
        click.echo(f"{kid} signs nothing any more" + (", and what it signed is refused" if at_once else ""))


@keys.command("destroy", context_settings=_DASHED)
@click.argument("kid")
@_where
@click.pass_context
def destroy(context: click.Context, kid: str, database: str | None, key_file: Path | None) -> None:
    """Delete a key whose tokens have all ended."""
    with _opened(context, database, key_file) as (store, life):
        _ring(store, life).destroy(kid)
        click.echo(f"{kid} is gone")


@click.group("db")
def db() -> None:
    """The store: its schema and its backup."""


@db.command("upgrade")
@_where
@click.pass_context
def upgrade(context: click.Context, database: str | None, key_file: Path | None) -> None:
    """Bring the schema to this version. Safe while an older version runs."""
    with _opened(context, database, key_file, new=True) as (store, _):
        store.migrate()
        click.echo("the store is at this version")


@db.command("check")
@_where
@click.pass_context
def check(context: click.Context, database: str | None, key_file: Path | None) -> None:
    """Say whether the store answers and has this version's schema."""
    with _opened(context, database, key_file) as (store, _):
        store.check()
        if store.redis is not None:
            store.redis.check()
        click.echo("the store answers and is at this version")


@db.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@_where
@click.pass_context
def backup(context: click.Context, file: Path, database: str | None, key_file: Path | None) -> None:
    """Copy a SQLite store to a new FILE while it is in use. Keep master.key too, elsewhere."""
    from stopper.store.backup import back_up

    with _opened(context, database, key_file) as (store, _):
        back_up(store.database, file)
        click.echo(f"{file} holds the store as it was now")


@click.command("revoke", short_help="End sessions and void access tokens.")
@click.option("--all", "everything", is_flag=True, help="Everybody: after a leak, or after a backup was restored.")
@click.option("--subject", metavar="ID", help="One person: every session and token.")
@click.option("--device", metavar="NAME", help="With --subject: only what that person has on one device.")
@click.option(
    "--client", metavar="ID", help="One client: every session and token that it was given, whoever it was for."
)
@click.option("--session", metavar="SID", help="One session.")
@_where
@click.pass_context
def revoke(
    context: click.Context,
    everything: bool,
    subject: str | None,
    device: str | None,
    client: str | None,
    session: str | None,
    database: str | None,
    key_file: Path | None,
) -> None:
    """End sessions and void the access tokens that were issued up to now."""
    if sum((everything, *(one is not None for one in (subject, client, session)))) != 1:
        raise click.UsageError("name one of --all, --subject ID, --client ID and --session SID")
    if device is not None and subject is None:
        raise click.UsageError("a device is somebody's; name the person too, with --subject ID")
    with _opened(context, database, key_file) as (store, life):
        now = store.clock()
        until = now + keep_for(life)
        if everything:
            said = f"{store.refresh.end_everything(now, until)} sessions have ended, and every access token issued up to now is void"
        elif subject is not None and device is not None:
            ended = store.refresh.end_device(subject, device, now, until)
            said = f"{ended} sessions of {subject} on that device have ended" if ended else ""
        elif client is not None:
            ended = store.refresh.end_client(client, now, until)
            said = (
                f"{ended} sessions of {client} have ended, and every access token that it was given up to now is void"
            )
        elif subject is not None:
            # Somebody without an account here may have a browser session: an application has people of its own.
            known = store.accounts.log_out(subject, now) or store.sessions.end_all(subject, but=None) > 0
            said = f"{subject} is logged out everywhere" if known else ""
        else:
            said = "the session has ended" if store.refresh.end_family(session or "", "revoked", now, until) else ""
        if not said:
            raise SettingError(f"there is no living session of {subject or session}")
        click.echo(said)
