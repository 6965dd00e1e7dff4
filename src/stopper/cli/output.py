"""Which format goes where, and writing it so that a file is either the old one or the whole new one."""

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stopper.core.errors import UsageError
from stopper.core.later_pattern import patterns_later
from stopper.scan.report import Report

SUFFIXES: Final[Mapping[str, str]] = {
    ".txt": "text", ".json": "json", ".sarif": "sarif", ".html": "html", ".htm": "html", ".xml": "junit",
}  # fmt: skip
FORMATS: Final = ("text", "json", "sarif", "html", "junit", "github")


@dataclass(frozen=True, slots=True)
class Output:
    """One report to write. ``path`` is None for stdout."""

    format: str
    path: Path | None


def paired(formats: Sequence[str], outputs: Sequence[str]) -> tuple[Output, ...]:
    """The formats with their files, in order; a format without a file goes to stdout, and only one can.

    A file whose name ends like a format takes that one first; a file without a format takes the format of its ending.
    Raises UsageError when they do not pair up or a file cannot be written.
    """
    left = list(formats)
    if len(set(left)) != len(left):
        raise UsageError("a --format is given twice; one of each is enough")
    pairs: list[Output] = []
    waiting: list[str] = []
    for output in outputs:
        named = SUFFIXES.get("".join(Path(output).suffixes[-1:]).lower())
        if named is not None and named in left and len(outputs) != len(formats):
            left.remove(named)
            pairs.append(Output(named, _writable(output)))
        else:
            waiting.append(output)
    for output in waiting:
        path = _writable(output)
        found = left.pop(0) if left else _by_ending(path)
        if found is None:
            raise UsageError(f"--output {output} has no --format; give one, or end the name in {', '.join(SUFFIXES)}")
        pairs.append(Output(found, path))
    if len(left) > 1:
        raise UsageError(
            f"--format {left[0]} and {left[1]} would both go to the screen; give --output FILE for one of them"
        )
    return (*pairs, *(Output(name, None) for name in left)) or (Output("text", None),)


def _by_ending(path: Path | None) -> str | None:
    return "text" if path is None else SUFFIXES.get(path.suffix.lower())


def render(report: Report, name: str, *, colour: bool = False, width: int = 80) -> str:
    """*report* in that format."""
    with patterns_later():
        module: Any = importlib.import_module(f"stopper.scan.reports.{name}")  # the others would be felt
    if name == "text":
        return str(module.render(report, colour=colour, width=width))
    return str(module.render(report, _page) if name == "sarif" else module.render(report))


def write(report: Report, outputs: Sequence[Output]) -> None:
    """Write every report. Files first, so that a reader of stdout finds them there.

    Where all of them are files, stderr says in a line what was found and which files hold it."""
    for output in sorted(outputs, key=lambda one: one.path is None):
        if output.path is None:
            colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
            width = os.get_terminal_size().columns if sys.stdout.isatty() else 80
            to_stdout(render(report, output.format, colour=colour, width=width))
        else:
            save(output.path, render(report, output.format))
    files = [str(output.path) for output in outputs if output.path is not None]
    if len(files) == len(outputs):
        to_stderr(f"{_closing(report)} Written to {' and '.join(files)}." if files else _closing(report))


def _closing(report: Report) -> str:
    from stopper.scan.reports.shown import shown
    from stopper.scan.reports.text import closing

    with patterns_later():
        return closing(shown(report))


_PLAIN: Final = str.maketrans({"█": "#", "░": ".", "→": ">", "…": "...", "–": "-", "·": "-"})


def to_stdout(text: str) -> None:
    """Print *text*, in plainer signs where the terminal's encoding lacks ours."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    _echo(text, err=False)


def to_stderr(line: str) -> None:
    """Say one line on stderr."""
    _echo(f"{line}\n", err=True)


def _echo(text: str, *, err: bool) -> None:
    """What click's ``echo`` does, which is asked where it is at hand or where a console has ways of its own."""
    if "click" in sys.modules or sys.platform == "win32":
        import click

        click.echo(text, nl=False, err=err)
        return
    stream = sys.stderr if err else sys.stdout
    stream.write(text)
    stream.flush()


def save(path: Path, text: str) -> None:
    """Write *text* to *path* at once: a crash or a full disk leaves the old file. Raises UsageError when it cannot."""
    try:
        if path.exists() and not path.is_file():  # a pipe or a device cannot be replaced
            path.write_text(text, "utf-8")
            return
        _replace(path, text)
    except OSError as wrong:
        raise UsageError(
            f"{path} cannot be written ({(wrong.strerror or 'error').lower()}); give --output another file"
        ) from None


def _replace(path: Path, text: str) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    import tempfile

    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as held:
            held.write(text)
            held.flush()
            os.fsync(held.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    held = os.umask(0)
    os.umask(held)
    return held


def _writable(output: str) -> Path | None:
    """The path, refused before the run when it cannot become a file. ``-`` is stdout."""
    if output == "-":
        return None
    path = Path(output)
    if path.is_dir():
        raise UsageError(f"--output {output} is a folder; give the name of a file in it")
    if not path.parent.is_dir():
        raise UsageError(
            f"--output {output}: the folder {path.parent} is not there; make it first: mkdir -p {path.parent}"
        )
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"--output {output} cannot be written (permission denied); give another file")
    return path


def _page(slug: str) -> str | None:
    from stopper.scan import catalogue

    rule = catalogue.find(slug)
    return catalogue.page(rule).text if rule else None
