"""The ``flask stopper …`` commands: administration inside an app. Flask finds them by the entry point ``flask.commands``."""

import click
from flask import Flask
from flask.cli import ScriptInfo

from stopper.cli import flask_api_keys, flask_doctor, flask_sessions, flask_store
from stopper.cli.flask_ending import end
from stopper.core.errors import StopperError, UndeclaredRouteError


@click.group("stopper")
def stopper_group() -> None:
    """What Stopper guards in this app."""


stopper_group.add_command(flask_store.keys)
stopper_group.add_command(flask_store.db)
stopper_group.add_command(flask_store.revoke)
stopper_group.add_command(flask_sessions.sessions)
stopper_group.add_command(flask_api_keys.api_keys)
stopper_group.add_command(flask_doctor.doctor)


@stopper_group.command("routes")
@click.option("--check", is_flag=True, help="Exit 1 when a route has no policy.")
@click.pass_context
def routes(context: click.Context, check: bool) -> None:
    """Print every route and method with who may pass it."""
    from stopper.extension.table import as_text, route_table

    try:
        rows = route_table(_loaded(context))
    except UndeclaredRouteError as wrong:  # the factory sealed the app itself
        click.echo(wrong.table)
        end(str(wrong), 1)
    except StopperError as wrong:
        end(str(wrong), 2)
    click.echo(as_text(rows))
    undeclared = [row for row in rows if row.state == "undeclared"]
    if undeclared:
        first = undeclared[0]
        mend = "put a policy above the view, for example @bearer or @public, or name it in stopper.cover()"
        said = f"{len(undeclared)} without a policy, first {first.method} {first.path}; {mend}"
        if check:
            end(said, 1)
        click.echo(f"stopper: {said}", err=True)


def _loaded(context: click.Context) -> Flask:
    return context.ensure_object(ScriptInfo).load_app()
