"""The command group: finds commands, turns every error into one line on stderr, and gives the exit code."""

import errno
import importlib
import sys
from collections.abc import Sequence
from typing import Final

import click

from stopper import __version__
from stopper.cli.nearest import did_you_mean
from stopper.core.errors import IncompleteError, SettingError, StopperError, UsageError
from stopper.core.later_pattern import patterns_later
from stopper.core.redactor import mask

COMMANDS: Final = (
    "check",
    "scan",
    "audit",
    "lock",
    "rules",
    "diff",
    "token",
    "scrub",
    "secrets",
    "watch",
    "serve",
    "demo",
    "mcp",
    "lsp",
)
"""Each is ``command`` in the module of its name."""

INTERRUPTED: Final = 130
"""128 + SIGINT, as shells give it."""
_UNEXPECTED: Final = 3
_PLAINER: Final = {
    "is not a valid float range": "is not a number",
    "is not a valid integer range": "is not a whole number",
}
"""Words of click that only programmers know."""


class Group(click.Group):
    """Imports a command when it is asked for, so that `stopper -h` costs nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of the manual."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        with patterns_later():
            module = importlib.import_module(f"stopper.cli.{cmd_name}")
        command = module.command
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click's, but an unknown command is told with the nearest one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"there is no command {args[0]!r}{did_you_mean(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="stopper %(version)s")
def group() -> None:
    """What keeps a Flask from leaking: find the ways in, and close them."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code. Never raises, never shows a traceback unless ``--traceback`` is there."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    shows_traceback = "--traceback" in given
    try:
        # Not group.main(): on Ctrl-C it would write a line of its own first.
        with group.make_context("stopper", [one for one in given if one != "--traceback"]) as context:
            code: object = group.invoke(context)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.exceptions.NoArgsIsHelpError as wrong:
        click.echo(wrong.format_message(), err=True)
        return 2
    except click.ClickException as wrong:
        return _tell(usage(wrong), 2)
    except click.Abort:
        return _tell("interrupted; no report was written", INTERRUPTED)
    except (KeyboardInterrupt, Exception) as wrong:  # noqa: BLE001 - the rim
        return exit_of(wrong, shows_traceback=shows_traceback)
    return code if isinstance(code, int) else 0


def exit_of(wrong: BaseException, *, shows_traceback: bool = False) -> int:
    """The exit code of a command that an error ended, told to a person in one line."""
    if isinstance(wrong, KeyboardInterrupt):
        code: object = getattr(wrong, "code", INTERRUPTED)
        stays = f"; {wrong}" if str(wrong) else ""
        return _tell(f"interrupted; no report was written{stays}", code if isinstance(code, int) else INTERRUPTED)
    if isinstance(wrong, BrokenPipeError):
        return _closed_pipe()
    if shows_traceback:
        import traceback

        click.echo(mask("".join(traceback.format_exception(wrong))), err=True)
    return _tell(*said(wrong))


def said(wrong: BaseException) -> tuple[str, int]:
    """What to tell about an error, and the exit code."""
    if isinstance(wrong, UsageError | SettingError):
        return str(wrong), 2
    if isinstance(wrong, IncompleteError):
        return str(wrong), 3
    if isinstance(wrong, StopperError):
        return str(wrong), 2
    if isinstance(wrong, OSError) and wrong.errno in (errno.ENOSPC, errno.EIO):
        return f"the report could not be written: {(wrong.strerror or 'error').lower()}", _UNEXPECTED
    kind = type(wrong).__name__
    return f"an error inside Stopper: {kind}: {wrong}; type the same with --traceback and report it", _UNEXPECTED


def usage(wrong: click.ClickException) -> str:
    """One line for an error of the command line, with the nearest option where one was misspelt."""
    command = wrong.ctx.command_path if isinstance(wrong, click.UsageError) and wrong.ctx else "stopper"
    if isinstance(wrong, click.NoSuchOption):
        context = wrong.ctx
        known = [name for param in context.command.get_params(context) for name in param.opts] if context else []
        near = did_you_mean(wrong.option_name, known)
        return f"{command} has no option {wrong.option_name}{near}" + (
            "" if near else f"; type {command} -h for its options"
        )
    text = wrong.format_message().strip().rstrip(".")
    for theirs, ours in _PLAINER.items():
        text = text.replace(theirs, ours)
    return f"{text}; type {command} -h for help" if "did you mean" not in text else text


def _tell(message: str, code: int) -> int:
    click.echo(f"stopper: {' '.join(mask(message).split())}", err=True)
    return code


def _closed_pipe() -> int:
    """The reader went away (`stopper … | head`): end quietly, as a program killed by SIGPIPE would."""
    sys.stdout = None  # or the interpreter complains while it flushes at exit
    return 141
