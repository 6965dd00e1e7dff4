"""`stopper audit`: import the app, read its source, probe it in process, and join what was seen."""

from pathlib import Path
from typing import Any

import click

from stopper.cli.options import database_url, probing, shared
from stopper.core.errors import UsageError


@click.command("audit", short_help="Import an app, read its source, probe it, join both.")
@click.argument("app", metavar="MODULE:APP")
@click.option(
    "--env-file", type=click.Path(), metavar="FILE", help="NAME=value lines that the app needs in its environment."
)
@click.option(
    "--disposable-database",
    metavar="URL",
    callback=database_url,
    help="A database that --active may write to and spoil.",
)
@probing
@shared
def command(app: str, **given: Any) -> int:
    """Import MODULE, take its APP, read its source, probe it over WSGI, and join both.

    APP is an app or a factory, as FLASK_APP has it: shop, shop:app, "shop:create_app('test')", path/to/shop.py.
    """
    from stopper.cli.plan import judged, planned, told
    from stopper.cli.probing import files_of, probe_options
    from stopper.cli.progress import Progress
    from stopper.cli.signals import as_ctrl_c
    from stopper.scan.audit.parent import run_audit
    from stopper.scan.audit.target import named

    named(app, Path.cwd())  # refused before anything is read
    env_file = given["env_file"]
    if env_file is not None and not Path(env_file).is_file():
        raise UsageError(f"--env-file {env_file} is not a file; give the path of a file with NAME=value lines")
    plan = planned(given, Path.cwd())
    progress = Progress()
    options = probe_options(given, plan, progress)
    try:
        with as_ctrl_c():
            report = run_audit(app, options)
    finally:
        progress.clear()
    return told(judged(report, plan, options.root, files_of(report)), plan)
