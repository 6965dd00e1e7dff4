"""`stopper scan`: ask a live API."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from stopper.cli.options import probing, shared
from stopper.core.errors import UsageError


@click.command("scan", short_help="Probe a running API at an address.")
@click.argument("url")
@probing
@shared
def command(url: str, **given: Any) -> int:
    """Probe a running API at URL and report what it lets through. Scan only what is yours."""
    from stopper.cli.plan import judged, planned, told
    from stopper.cli.probing import files_of, probe_options
    from stopper.cli.progress import Progress
    from stopper.scan.run import run_scan

    _refuse_what_is_no_url(url)
    plan = planned(given, Path.cwd())
    progress = Progress()
    options = probe_options(given, plan, progress)
    try:
        report = run_scan(url, options)
    finally:
        progress.clear()
    return told(judged(report, plan, options.root, files_of(report)), plan)


def _refuse_what_is_no_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        has_account = "@" in parts.netloc
    except ValueError:
        sound = has_account = False
    if not sound:
        raise UsageError("scan takes an address that begins with http:// or https://, as http://127.0.0.1:5000")
    if has_account:
        raise UsageError(
            "the address holds a user or password; leave it out and type --identity NAME='Basic user:pass'"
        )
