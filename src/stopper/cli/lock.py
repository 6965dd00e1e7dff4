"""`stopper lock`: write who may pass every door of an app into a file, or compare the app with that file."""

from pathlib import Path
from typing import Any

import click

from stopper.cli.gate import CLEAN, FAILED
from stopper.cli.options import database_url
from stopper.core.errors import UsageError


@click.command("lock", short_help="Write or compare stopper.lock: every route and who may pass it.")
@click.argument("app", metavar="MODULE:APP")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a door is not as the file says.")
@click.option(
    "--file",
    "file",
    type=click.Path(),
    default="stopper.lock",
    metavar="FILE",
    help="The lock file. Default: stopper.lock.",
)
@click.option(
    "--env-file", type=click.Path(), metavar="FILE", help="NAME=value lines that the app needs in its environment."
)
@click.option(
    "--disposable-database",
    metavar="URL",
    callback=database_url,
    help="A database that hooks of the app may write to and spoil.",
)
@click.option("--traceback", is_flag=True, help="Show where an error inside Stopper came from.")
def command(app: str, check: bool, file: str, **given: Any) -> int:
    """Import MODULE, take its APP, see who may pass each of its routes without running a view, and write that down."""
    from stopper.cli.output import save
    from stopper.scan import lock
    from stopper.scan.access.text import counted, lines
    from stopper.scan.audit.parent import read_access
    from stopper.scan.options import ProbeOptions

    path = Path(file)
    write = f"stopper lock {app}" + ("" if file == "stopper.lock" else f" --file {file}")
    before = lock.parse(_read(path, write), file) if check else ()
    env_file = Path(given["env_file"]) if given["env_file"] else None
    options = ProbeOptions(
        rules=(), env_file=env_file, disposable_database=given["disposable_database"], root=Path.cwd()
    )
    rows = read_access(app, options)
    if not check:
        save(path, lock.text(rows))
        _print([*lines(rows), "", f"{file}: {counted(rows)}"])
        return CLEAN
    changed = lock.changes(before, lock.locked(rows))
    _print(changed or [f"{file}: {counted(rows)}, all as they were"])
    if changed:
        click.echo(
            f"stopper: {file} and the app differ in {len(changed)} of {len(rows)} doors; review them, then type: {write}",
            err=True,
        )
    return FAILED if changed else CLEAN


def _print(said: "list[str] | tuple[str, ...]") -> None:
    from stopper.cli.output import to_stdout

    to_stdout("".join(f"{line.rstrip()}\n" for line in said))


def _read(path: Path, write: str) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise UsageError(f"{path} is not there; write it first: {write}") from None
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{path} cannot be read as text; give another --file") from None
