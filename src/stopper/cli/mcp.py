"""`stopper mcp`: Stopper's tools for coding agents, over standard input and output."""

import importlib.util
from pathlib import Path

import click

from stopper.core.errors import UsageError


@click.command("mcp", short_help="Tools for coding agents, over the Model Context Protocol.")
@click.option(
    "--root",
    type=click.Path(),
    default=".",
    metavar="DIR",
    help="The project: the only folder that is read. Default: here.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="HOST",
    help="A host besides loopback that may be scanned. Repeatable.",
)
@click.option(
    "--allow-active", is_flag=True, help="A live API may be written to (register test people, create, take back)."
)
@click.option("--traceback", is_flag=True, help="Show where an error inside Stopper came from.")
def command(root: str, hosts: tuple[str, ...], allow_active: bool, traceback: bool) -> int:
    """Serve the tools check_source, scan_api, audit_app, explain_rule, list_rules, verify_fix and access_table on stdin and stdout."""
    if importlib.util.find_spec("mcp") is None:
        raise UsageError("the mcp package is missing; type: pip install 'stopper[mcp]'")
    folder = Path(root)
    if not folder.is_dir():
        raise UsageError(f"--root {root} is not a folder; give the project's folder")
    from stopper.cli.agent_server import server_of
    from stopper.cli.agent_tools import Agent
    from stopper.core import log_redaction

    log_redaction.install()
    server_of(Agent(folder.resolve(), frozenset(hosts), allow_active)).run("stdio")
    return 0
