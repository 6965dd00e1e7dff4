"""`stopper audit`: import the app, read its source, probe it in process, and join what was seen."""

import re
from pathlib import Path
from typing import Any

import click

from stopper.cli.options import probing, shared
from stopper.core.errors import UsageError


@click.command("audit", short_help="Import an app, read its source, probe it, join both.")
@click.argument("app", metavar="MODULE:APP")
@click.option(
    "--env-file", type=click.Path(), metavar="FILE", help="NAME=value lines that the app needs in its environment."
)
@click.option("--disposable-database", metavar="URL", help="A database that --active may write to and spoil.")
@probing
@shared
def command(app: str, **given: Any) -> int:
    """Import MODULE, take its APP (an app or a factory), read its source, probe it over WSGI, and join both."""
    from stopper.cli.plan import judged, planned, told
    from stopper.cli.probing import files_of, probe_options
    from stopper.cli.progress import Progress
    from stopper.scan.run import run_audit

    _refuse_what_is_no_app(app)
    env_file = given["env_file"]
    if env_file is not None and not Path(env_file).is_file():
        raise UsageError(f"--env-file {env_file} is not a file; give the path of a file with NAME=value lines")
    plan = planned(given, Path.cwd())
    progress = Progress()
    options = probe_options(given, plan, progress)
    try:
        report = run_audit(app, options)
    finally:
        progress.clear()
    return told(judged(report, plan, options.root, files_of(report)), plan)


def _refuse_what_is_no_app(app: str) -> None:
    if re.fullmatch(r"[\w.]+:[\w.]+(\(\))?", app):
        return
    if app.endswith(".py") or "/" in app or "\\" in app:
        module = re.sub(r"\.py(:.*)?$", "", app).strip("./\\").replace("/", ".").replace("\\", ".")
        raise UsageError(f"audit takes MODULE:APP, not a path; type: stopper audit {module}:app")
    module = app.partition(":")[0]
    raise UsageError(f"audit takes MODULE:APP; type: stopper audit {module or 'shop.wsgi'}:app")
