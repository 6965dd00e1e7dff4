"""The `stopper` command and the `flask stopper` commands. Nothing heavy is imported before a command asks for it."""

import gc
import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the `stopper` command and end the process with its exit code."""
    short = arguments is None and sys.argv[1:2] == ["check"]
    if short:
        gc.disable()  # modules, values and findings stay until the process ends: a search for cycles among them would find nothing
    try:
        from stopper.core.later_pattern import patterns_later

        code = _plainly(sys.argv[2:]) if short else None
        if code is None:
            with patterns_later():
                from stopper.cli.group import run  # `import stopper.cli` alone stays free of click

            code = run(arguments)
    except KeyboardInterrupt:  # while it was still being imported
        sys.stderr.write("stopper: interrupted; no report was written\n")
        code = 130
    if short:
        _end(code)
    raise SystemExit(code)


def _plainly(arguments: Sequence[str]) -> int | None:
    """Run `check` without click where its options are written in the plainest way, and give its exit code; None where they are not."""
    from stopper.core.later_pattern import patterns_later

    with patterns_later():
        from stopper.cli.plain import plain

        given = plain(arguments)
        if given is None:
            return None
        from stopper.cli.checking import check
    try:
        return check(**given)
    except (KeyboardInterrupt, Exception) as wrong:  # noqa: BLE001 - the rim: a person gets one line, never a traceback
        with patterns_later():
            from stopper.cli.group import exit_of

        return exit_of(wrong)


def _end(code: int) -> None:
    """End the process without taking apart, value by value, what it read. Where somebody watches it, or where the last words cannot be
    written, it ends as every other does."""
    if (
        sys.gettrace() is None
        and sys.getprofile() is None
        and not sys.flags.interactive
        and "coverage" not in sys.modules
    ):
        import atexit

        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:
            return
        atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]
        os._exit(code)
    gc.freeze()  # nor would the last search for cycles find any
