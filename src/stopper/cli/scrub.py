"""`stopper scrub`: a log or a dump without its secrets."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import click

from stopper.cli import surroundings
from stopper.core.errors import UsageError
from stopper.core.redactor import hide, mask, tell_apart
from stopper.core.scrub import Count, scrub
from stopper.core.secret import Secret

_CHUNK: Final = 1 << 16


@click.command("scrub", short_help="Mask secrets in a log or a dump.")
@click.argument("file", type=click.Path())
@click.option(
    "--known", type=click.Path(), metavar="FILE", help="Also mask each line of FILE, in whatever encoding it is found."
)
@click.option(
    "--tell-apart", "apart", is_flag=True, help="Write ***sha256:1a2b3c4d for a key, the same for the same key."
)
@click.option("--check", "check_only", is_flag=True, help="Write nothing; exit 1 when there is something to mask.")
@click.option("--traceback", is_flag=True, help="Show where an error inside Stopper came from.")
def command(file: str, known: str | None, apart: bool, check_only: bool, traceback: bool) -> int:
    """Write FILE (- is stdin) to stdout with every key, token, password, cookie and private key masked. FILE stays as it is."""
    kept = (*surroundings.held(), *_known(known))
    count = Count()
    stand = tell_apart if apart else hide
    for part in scrub(_chunks(file), lambda text: mask(text, stand), count):
        if not check_only:
            sys.stdout.buffer.write(part)
            if file == "-":  # somebody may be looking on: tail -f app.log | stopper scrub -
                sys.stdout.buffer.flush()
    sys.stdout.buffer.flush()
    if sys.stderr.isatty():
        click.echo(f"stopper: {count.masked} of {count.lines} lines masked", err=True)
    del kept  # alive until here: the redactor forgets what nobody holds
    return 1 if check_only and count.masked else 0


def _chunks(file: str) -> Iterator[bytes]:
    if file == "-":
        yield from _read(sys.stdin.buffer)
        return
    try:
        with Path(file).open("rb") as opened:
            yield from _read(opened)
    except OSError as wrong:
        raise UsageError(
            f"{file}: {(wrong.strerror or 'cannot be read').lower()}; give a log file, or - for stdin"
        ) from None


def _read(opened: BinaryIO) -> Iterator[bytes]:
    while chunk := getattr(opened, "read1", opened.read)(_CHUNK):
        yield chunk


def _known(file: str | None) -> tuple[Secret, ...]:
    if file is None:
        return ()
    try:
        lines = Path(file).read_text("utf-8", "surrogateescape").splitlines()
    except OSError as wrong:
        raise UsageError(
            f"--known {file}: {(wrong.strerror or 'cannot be read').lower()}; name a file with a value a line"
        ) from None
    return tuple(Secret(line.strip()) for line in lines if line.strip())
