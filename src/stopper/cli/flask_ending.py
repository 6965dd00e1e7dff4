"""How a ``flask stopper …`` command ends when something is wrong: one line on stderr, and its exit code."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import NoReturn

import click

from stopper.core.errors import StopperError, StoreUnavailableError


def end(said: str, code: int) -> NoReturn:
    """Say it in one line and exit."""
    click.echo(f"stopper: {' '.join(said.split())}", err=True)
    raise click.exceptions.Exit(code)


@contextmanager
def ending() -> Generator[None]:
    """Exit 3 where a store does not answer, 2 for everything else of ours that goes wrong inside."""
    try:
        yield
    except StoreUnavailableError as wrong:
        end(f"the store does not answer ({wrong.reason}); look whether it runs and try again", 3)
    except StopperError as wrong:
        end(str(wrong), 2)
