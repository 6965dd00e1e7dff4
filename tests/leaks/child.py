"""Runs the paths of one group, each with its own streams and folder: ``python -m tests.leaks.child GROUP on|off FOLDER``."""

import contextlib
import importlib
import json
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

from tests.leaks.place import Group, Place

from stopper.core import log_redaction
from stopper.core.secret import Secret


@contextlib.contextmanager
def streams_into(folder: Path) -> Iterator[None]:
    """Everything that is written to the two streams, by Python or below it, goes into files."""
    saved = [os.dup(number) for number in (1, 2)]
    files = [os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) for name in ("stdout", "stderr")]
    try:
        for number, handle in zip((1, 2), files, strict=True):
            os.dup2(handle, number)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, handle in zip((1, 2), saved, strict=True):
            os.dup2(handle, number)
        for handle in (*saved, *files):
            os.close(handle)


@contextlib.contextmanager
def fresh_logging() -> Iterator[None]:
    """No handler and no level of one path is there for the next."""
    root = logging.getLogger()
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        for log in (
            root,
            *(found for found in logging.root.manager.loggerDict.values() if isinstance(found, logging.Logger)),
        ):
            for handler in list(log.handlers):
                log.removeHandler(handler)
                handler.close()
            if log is not root:
                log.setLevel(logging.NOTSET)
                log.propagate = True


def main(name: str, mode: str, where: Path) -> None:
    """Run every path of the group and write down its canary and what went wrong."""
    group: Group = importlib.import_module(f"tests.leaks.{name}").group
    warnings.simplefilter("default")
    protected = mode == "on"
    if protected:
        log_redaction.install()
    told: dict[str, dict[str, str | None]] = {}
    for number, path in enumerate(group.paths):
        folder = where / str(number)
        folder.mkdir(parents=True)
        os.chdir(folder)
        value = path.make()
        place = Place(value, folder, protected, Secret(value))
        wrong = None
        with streams_into(folder), fresh_logging():
            try:
                path.run(place)
            except BaseException:
                wrong = traceback.format_exc()
        told[path.title] = {"canary": value, "folder": str(number), "wrong": wrong}
    (where / "told.new").write_text(json.dumps(told))
    (where / "told.new").rename(where / "told.json")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
