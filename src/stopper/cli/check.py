"""`stopper check`: read the source."""

from typing import Any

import click

from stopper.cli.checking import check
from stopper.cli.options import shared


@click.command("check", short_help="Read the source of a Flask API.")
@click.argument("paths", nargs=-1, metavar="[PATH…]")
@click.option("--fix", is_flag=True, help="Apply the safe fixes, then report what is left.")
@click.option(
    "--unsafe-fixes", is_flag=True, help="With --fix: apply the fixes to review too, and read what they changed."
)
@click.option("--diff", is_flag=True, help="Show every fix, safe or to review, and write nothing.")
@click.option(
    "--exclude", multiple=True, metavar="PATTERN", help="Leave out files and folders that fit the pattern; repeatable."
)
@click.option(
    "--changed-since", metavar="REV", help="Only findings in files that git says changed since that revision."
)
@click.option("--jobs", type=click.IntRange(0), metavar="N", help="Processes that read. Default: one a core.")
@click.option("--no-cache", is_flag=True, help="Read everything anew, and remember nothing of it.")
@shared
def command(**given: Any) -> int:
    """Read the source of a Flask API and report the weaknesses in it. Nothing of it is run."""
    return check(**given)
