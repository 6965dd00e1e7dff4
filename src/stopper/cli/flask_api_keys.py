"""``flask stopper apikeys``: issue, rotate, limit, import, remind of and end the API keys of an app."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from flask.cli import ScriptInfo

from stopper.cli.flask_ending import ending
from stopper.cli.span import Span
from stopper.core.errors import SettingError
from stopper.core.secret import Secret

if TYPE_CHECKING:
    from stopper.auth.api_key import ApiKeys
    from stopper.auth.api_key_record import ApiKeyRecord, NewApiKey


def _given(command: Any) -> Any:
    for option in (
        click.option("--rate-limit", metavar="100/minute", help="How often it may be used."),
        click.option("--address", "addresses", multiple=True, metavar="NETWORK", help="A network from which alone it may be used; repeatable."),
        click.option("--expires-in", type=Span(example="90d"), help="When it ends; never without this."),
        click.option("--tenant", help="Whose data it belongs to."),
        click.option("--scope", "scopes", multiple=True, help="What it may do; repeatable."),
        click.option("--name", required=True, help="What it is for."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group("apikeys")
def api_keys() -> None:
    """API keys: made, shown once, rotated, ended."""


@api_keys.command("issue", short_help="Make a key and print it, this once.")
@click.argument("subject")
@_given
@click.pass_context
def issue(
    context: click.Context, /, subject: str, name: str, scopes: tuple[str, ...], tenant: str | None, **limits: Any
) -> None:
    """Make a key for SUBJECT and print it, this once, on standard output."""
    with ending():
        keys = _of_app(context)
        _shown(keys.issue(subject, name=name, scopes=scopes, tenant=tenant, **_limits(keys, **limits)))


@api_keys.command("list", short_help="Print the keys of somebody.")
@click.argument("subject")
@click.pass_context
def list_keys(context: click.Context, subject: str) -> None:
    """Print the keys of SUBJECT, the newest first, without their secrets."""
    with ending():
        keys = _of_app(context)
        for record in keys.list(subject):
            click.echo(_line(record, keys.now()))


@api_keys.command("rotate")
@click.argument("key_id", metavar="ID")
@click.option("--overlap", type=Span(zero=True, example="1d"), default="1d", show_default=True, help="How long the old key goes on working; 0 ends it at once.")  # fmt: skip
@click.option("--expires-in", type=Span(example="90d"), help="When the new key ends; as long as the old one was to live without this.")  # fmt: skip
@click.pass_context
def rotate(context: click.Context, key_id: str, overlap: int, expires_in: int | None) -> None:
    """Put a new key in the place of one and print it. Both work until the overlap ends."""
    with ending():
        keys = _of_app(context)
        ends = None if expires_in is None else keys.now() + expires_in
        _shown(keys.rotate(key_id, overlap=float(overlap), expires_at=ends))


@api_keys.command("revoke")
@click.argument("key_id", metavar="ID", required=False)
@click.option("--subject", help="Every key of one person instead.")
@click.pass_context
def revoke(context: click.Context, key_id: str | None, subject: str | None) -> None:
    """End a key and the tokens that it gave out, on every node."""
    if (key_id is None) == (subject is None):
        raise click.UsageError("name the id of a key, or --subject; one of the two")
    with ending():
        keys = _of_app(context)
        count = keys.revoke_all(subject) if subject is not None else int(keys.revoke(key_id or ""))
        if not count:
            raise SettingError("there is no such living key; list the keys of its owner to see them")
        click.echo(f"{count} key{'s have' if count > 1 else ' has'} ended")


@api_keys.command("import", short_help="Take in a key of another system.")
@click.argument("subject")
@click.option("--sha256", metavar="HEX", help="The SHA-256 of the key, where the old system kept that. Without it the key is read from standard input.")  # fmt: skip
@_given
@click.pass_context
def bring(
    context: click.Context, /, subject: str, sha256: str | None, name: str, scopes: tuple[str, ...], tenant: str | None, **limits: Any
) -> None:  # fmt: skip
    """Take in a key that another system made: its holder goes on using it."""
    with ending():
        keys = _of_app(context)
        key = None if sha256 is not None else Secret(_typed())
        record = keys.bring(
            subject, name=name, key=key, sha256=sha256, scopes=scopes, tenant=tenant, **_limits(keys, **limits)
        )
        click.echo(_line(record, keys.now()))


@api_keys.command("remind", short_help="Print the keys that end soon.")
@click.option("--days", type=click.IntRange(1, 365), multiple=True, default=(14, 3), show_default=True, help="So many days before its end; repeatable.")  # fmt: skip
@click.pass_context
def remind(context: click.Context, days: tuple[int, ...]) -> None:
    """Print the keys that end soon, each once for each number of days: for a daily job that mails what this prints."""
    with ending():
        keys = _of_app(context)
        now = keys.now()
        keys.remind(lambda record: click.echo(f"{record.subject}  {_line(record, now)}"), days=days)


def _of_app(context: click.Context) -> "ApiKeys":
    from stopper.auth.api_key import ApiKeys
    from stopper.extension.guard import guard_of

    guard = guard_of(context.ensure_object(ScriptInfo).load_app())
    found = guard.parts.api_keys
    if not isinstance(found, ApiKeys):
        raise SettingError("this app keeps no API keys; set STOPPER_DATABASE_URL and STOPPER_API_KEY_PEPPER")
    if guard.parts.prepare is not None:
        guard.parts.prepare()
    return found


def _limits(
    keys: "ApiKeys", *, expires_in: int | None, addresses: tuple[str, ...], rate_limit: str | None
) -> dict[str, Any]:
    ends = None if expires_in is None else keys.now() + expires_in
    return {"expires_at": ends, "addresses": addresses, "rate_limit": rate_limit}


def _typed() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("the key", hide_input=True, err=True))
    return sys.stdin.readline(4096).rstrip("\r\n")


def _shown(made: "NewApiKey") -> None:
    click.echo(made.key.reveal())
    click.echo(f"the id is {made.record.id}; the key is not shown again", err=True)


def _line(record: "ApiKeyRecord", now: float) -> str:
    state = f"ends {_date(record.expires_at)}" if record.expires_at else "no end"
    if record.revoked_at is not None:
        state = f"revoked {_date(record.revoked_at)}"
    elif not record.living(now):
        state = f"ended {_date(record.expires_at or now)}"
    elif record.replaced_by:
        state += f", replaced by {record.replaced_by}"
    used = "never used" if record.last_used_at is None else f"used {_date(record.last_used_at)}"
    parts = [record.id, record.name, " ".join(record.scopes) or "no scope", used, state, *record.addresses]
    return "  ".join([*parts, *([record.rate_limit] if record.rate_limit else [])])


def _date(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
