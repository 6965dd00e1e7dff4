"""`stopper serve`: the auth service."""

import importlib.util
from pathlib import Path

import click

from stopper.core.errors import UsageError


@click.command("serve", short_help="Run the auth service.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="The port to listen at.")
@click.option(
    "--data",
    type=click.Path(),
    default=".stopper",
    show_default=True,
    metavar="DIR",
    help="Where the database and the keys lie.",
)
@click.option("--database", metavar="URL", help="PostgreSQL or SQLite instead of the file in --data.")
@click.option("--redis", metavar="URL", help="Redis or Valkey, when several nodes run.")
@click.option("--issuer", metavar="URL", help="The address that clients know the service by. Mode prod needs it.")
@click.option(
    "--mode",
    type=click.Choice(("dev", "prod")),
    default="dev",
    show_default=True,
    help="prod is strict; dev is for trying it out.",
)
@click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="Processes that answer."
)
@click.option("--check", "check_only", is_flag=True, help="Only say whether it could start, and end.")
@click.option("--traceback", is_flag=True, help="Show where an error inside Stopper came from.")
def command(
    host: str,
    port: int,
    data: str,
    database: str | None,
    redis: str | None,
    issuer: str | None,
    mode: str,
    workers: int,
    check_only: bool,
    traceback: bool,
) -> int:
    """Run the auth service: accounts, tokens and keys over HTTP. With no option everything lies under ./.stopper."""
    if importlib.util.find_spec("stopper.service.run") is None:
        raise UsageError("this installation has no service; type: pip install 'stopper[service]'")
    from stopper.service.run import serve

    return serve(
        host=host,
        port=port,
        data=Path(data),
        database=database,
        redis=redis,
        issuer=issuer,
        mode=mode,
        workers=workers,
        check_only=check_only,
    )
