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
        told = str(wrong)  # some say by themselves who does not answer
        end(
            told if told != wrong.reason else f"the store does not answer ({told}); look whether it runs and try again",
            3,
        )
    except StopperError as wrong:
        end(str(wrong), 2)
