"""The options that `check`, `scan` and `audit` share."""

import re
from collections.abc import Callable
from typing import Any, Final

import click

from stopper.cli.output import FORMATS
from stopper.core.rule import SEVERITIES

Command = Callable[..., Any]


def database_url(_context: click.Context, _option: click.Parameter, given: str | None) -> str | None:
    """An option that is the URL of a database, such as ``--disposable-database``. Raises click's BadParameter for what is none."""
    if given is not None and not re.match(r"[a-z][\w+.]*://", given):
        raise click.BadParameter("it is a URL, such as sqlite:////tmp/copy.db or postgresql://user@127.0.0.1/copy")
    return given


_SHARED: Final[tuple[Callable[[Command], Command], ...]] = (
    click.option(
        "--select",
        multiple=True,
        metavar="WHAT",
        help="Only these rules: slugs, families or severities (commas or repeated).",
    ),
    click.option("--ignore", multiple=True, metavar="WHAT", help="Without these rules: slugs, families or severities."),
    click.option(
        "--format",
        "formats",
        multiple=True,
        type=click.Choice(FORMATS),
        help="How the report is written; repeatable. Default: text.",
    ),
    click.option(
        "--output",
        "outputs",
        multiple=True,
        metavar="FILE",
        help="Where a format goes; the first goes with the first --format, and so on.",
    ),
    click.option(
        "--fail-on",
        type=click.Choice(SEVERITIES),
        help="Exit 1 for findings of this severity and above. Default: medium.",
    ),
    click.option(
        "--threshold", type=click.IntRange(0, 100), metavar="SCORE", help="Exit 1 when the score is below this."
    ),
    click.option(
        "--accepted",
        type=click.Path(),
        metavar="FILE",
        help="Known findings (JSON or TOML) that the gate leaves out until they expire.",
    ),
    click.option(
        "--config",
        "config",
        type=click.Path(),
        metavar="FILE",
        help="The pyproject.toml to read. Default: the nearest one upwards.",
    ),
    click.option("--traceback", is_flag=True, help="Show where an error inside Stopper came from."),
)

_PROBING: Final[tuple[Callable[[Command], Command], ...]] = (
    click.option("--spec", metavar="FILE|URL", help="An OpenAPI 3.x or Swagger 2 document, or a Postman collection."),
    click.option("--identity", "identities", multiple=True, metavar="NAME=CREDENTIAL", help="Somebody to be: alice='Bearer eyJ…', alice='X-API-Key: …', alice='Basic user:pass', alice='Cookie name=value', alice='Login user:pass', alice=@FILE or alice=env:VARIABLE. Repeatable."),
    click.option("--rate", type=click.FloatRange(0), metavar="N", help="Requests a second. Default: as fast as the target answers."),
    click.option("--max-requests", type=click.IntRange(1), metavar="N", help="Requests in all. Default: 1000."),
    click.option("--timeout", "time_limit", type=click.FloatRange(1), metavar="SECONDS", help="Time for the whole run; then it ends, says what it lost, and exits with 3. Default: none."),
    click.option("--request-timeout", type=click.FloatRange(0.1), metavar="SECONDS", help="Time for one request, to the last byte of its answer. Default: 5."),
    click.option("--depth", type=click.Choice(("quick", "standard", "deep")), help="How far to go. Default: standard."),
    click.option("--passive", is_flag=True, help="Only GET, HEAD and OPTIONS with the given credentials; nothing is changed."),
    click.option("--active", is_flag=True, help="Also register test people and write."),
)  # fmt: skip


def shared(command: Command) -> Command:
    """Add the options that all three share."""
    return _with(command, _SHARED)


def probing(command: Command) -> Command:
    """Add the options of `scan` and `audit`."""
    return _with(command, _PROBING)


def _with(command: Command, options: tuple[Callable[[Command], Command], ...]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
