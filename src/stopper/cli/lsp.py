"""`stopper lsp`: findings and fixes in an editor, over the Language Server Protocol on standard input and output."""

import importlib.util
from pathlib import Path

import click

from stopper.core.errors import UsageError


@click.command("lsp", short_help="Findings and fixes in an editor, over the Language Server Protocol.")
@click.option(
    "--root",
    type=click.Path(),
    metavar="DIR",
    help="The project's folder. Default: the one that the editor names.",
)
@click.option("--traceback", is_flag=True, help="Show where an error inside Stopper came from.")
def command(root: str | None, traceback: bool) -> int:
    """Serve diagnostics, quick fixes and the rules' pages on stdin and stdout. The source is read as `stopper check` reads it; nothing of it is run."""
    if importlib.util.find_spec("pygls") is None:
        raise UsageError("the pygls package is missing; type: pip install 'stopper[lsp]'")
    folder = None if root is None else Path(root)
    if folder is not None and not folder.is_dir():
        raise UsageError(f"--root {root} is not a folder; give the project's folder")
    from stopper.cli.editor_server import server_of
    from stopper.core import log_redaction

    log_redaction.install()
    server_of(None if folder is None else folder.resolve()).start_io()
    return 0
