"""``flask stopper sessions``: where a person is logged in with a browser, and the end of it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from flask.cli import ScriptInfo

from stopper.cli.flask_ending import ending
from stopper.core.errors import SettingError

if TYPE_CHECKING:
    from stopper.auth.session import Session
    from stopper.extension.sessions import BrowserSessions


@click.group("sessions")
def sessions() -> None:
    """The sessions of browsers."""


def _of_app(context: click.Context) -> "BrowserSessions":
    from stopper.extension.guard import guard_of

    found = guard_of(context.ensure_object(ScriptInfo).load_app()).sessions
    if found is None:
        raise SettingError("this app keeps no sessions; set STOPPER_DATABASE_URL and STOPPER_SESSION_SECRET")
    return found


@sessions.command("list")
@click.argument("subject")
@click.pass_context
def list_sessions(context: click.Context, subject: str) -> None:
    """Print the living sessions of one person, the newest first."""
    with ending():
        for one in _of_app(context).list(subject):
            click.echo(_line(one))


def _line(one: "Session") -> str:
    dates = f"begun {_date(one.created_at)}, used {_date(one.last_used_at)}, ends {_date(one.ends_at)}"
    return f"{one.id}  {dates}  {one.device or '-'}"


def _date(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


@sessions.command("end")
@click.argument("subject")
@click.option("--session", "session_id", metavar="ID", help="Only this one; without it, all of that person's.")
@click.pass_context
def end_sessions(context: click.Context, subject: str, session_id: str | None) -> None:
    """End sessions of one person. Their next request is refused, on every node."""
    with ending():
        held = _of_app(context)
        count = held.end_all(subject) if session_id is None else int(held.end_one(subject, session_id))
        if not count:
            raise SettingError(f"there is no living session of {subject}")
        click.echo(f"{count} session{'s have' if count > 1 else ' has'} ended")
