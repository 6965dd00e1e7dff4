"""`stopper scan`: ask a live API."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from stopper.cli.options import probing, shared
from stopper.core.errors import UsageError


@click.command("scan", short_help="Probe a running API at an address.")
@click.argument("url")
@click.option(
    "--webhook",
    metavar="URL",
    help="Tell this address, signed, of what is new; also env:VARIABLE or @FILE.",
)
@click.option("--webhook-secret", metavar="REF", help="The key that signs it (whsec_…): env:VARIABLE or @FILE.")
@click.option(
    "--baseline",
    metavar="FILE",
    help="With --webhook: what an earlier --format json wrote; only what is not in it is new.",
)
@probing
@shared
def command(url: str, **given: Any) -> int:
    """Probe a running API at URL and report what it lets through. Scan only what is yours."""
    from stopper.cli.plan import judged, planned, told
    from stopper.cli.probing import files_of, probe_options
    from stopper.cli.progress import Progress
    from stopper.cli.signals import as_ctrl_c
    from stopper.cli.webhook import delivered, webhook
    from stopper.scan.run import run_scan

    _refuse_what_is_no_url(url)
    plan = planned(given, Path.cwd())
    hook = webhook(given)
    progress = Progress()
    options = probe_options(given, plan, progress)
    try:
        with as_ctrl_c():
            report = run_scan(url, options)
    finally:
        progress.clear()
    report = judged(report, plan, options.root, files_of(report))
    return delivered(hook, report, told(report, plan))


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
