"""`stopper token`: read a token offline, lint it, try weak secrets, say what a verifier must refuse."""

import json
import sys
from collections.abc import Sized
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import click

from stopper.cli.output import to_stdout
from stopper.core.errors import UsageError
from stopper.core.redactor import mask
from stopper.core.rule import SEVERITIES, Severity

if TYPE_CHECKING:
    from stopper.scan.tokens.lint import Note, TokenRead

_SHOWN: Final = frozenset(
    {"alg", "typ", "cty", "enc", "zip", "crit", "b64", "iss", "aud", "exp", "iat", "nbf", "auth_time", "scope", "scp", "roles", "amr", "acr",
     "type", "token_use", "token_type", "fresh", "azp", "client_id"}
)  # fmt: skip
"""Members that say what a token is for, and not whose it is; the value of any other is told by its kind."""
_TIMES: Final = frozenset({"exp", "iat", "nbf", "auth_time"})
_LONGEST: Final = 2 * 1_048_576


@click.command("token", short_help="Read a JWT or a session cookie offline.")
@click.argument("token", required=False, metavar="[TOKEN|-]")
@click.option(
    "--words", type=click.Path(), metavar="FILE", help="More secrets to try, one a line, besides the usual ones."
)
@click.option("--no-guess", is_flag=True, help="Try no secrets.")
@click.option(
    "--jobs", type=click.IntRange(0), default=0, metavar="N", help="Processes that try secrets. Default: one a core."
)
@click.option("--format", "shape", type=click.Choice(("text", "json")), default="text", help="How it is written.")
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="medium",
    show_default=True,
    help="Exit with 1 from that severity on.",
)
@click.option("--traceback", is_flag=True, help="Show where an error inside Stopper came from.")
def command(
    token: str | None, words: str | None, no_guess: bool, jobs: int, shape: str, fail_on: Severity, traceback: bool
) -> int:
    """Say what stands in a token, what is weak in it and what a verifier must refuse. Nothing is sent anywhere.

    Give the token on standard input (stopper token -), so that it stays out of the shell's history. It is not repeated, and of its claims
    only those are shown that say what it is for.
    """
    from stopper.scan.tokens.lint import NoTokenError, is_guessable, read_token

    text = _given(token)
    try:
        read = read_token(text)
    except NoTokenError as wrong:
        raise UsageError(f"this {wrong}; give one as TOKEN or on standard input") from None
    notes = list(read.notes)
    if is_guessable(read) and not no_guess:
        notes.append(_guessed(text, read.kind == "flask-session", words, jobs))
    elif words is not None:
        raise UsageError("--words is for secrets, and there is none behind this token, or --no-guess is given")
    to_stdout(_document(read, notes) if shape == "json" else _text(read, notes))
    gate = SEVERITIES.index(fail_on)
    return int(any(note.severity is not None and SEVERITIES.index(note.severity) >= gate for note in notes))


def _given(token: str | None) -> str:
    if token is None and sys.stdin.isatty():
        raise UsageError("give a token, or - to read it from standard input")
    if token in (None, "-"):
        token = sys.stdin.buffer.read(_LONGEST).decode("utf-8", "replace")
    text = (token or "").strip()
    head, _, rest = text.partition(" ")
    if head.lower() in ("bearer", "dpop", "authorization:") and rest:
        return rest.strip().rpartition(" ")[2]
    return text


def _guessed(text: str, cookie: bool, words: str | None, jobs: int) -> "Note":
    from stopper.scan.tokens.guess import count, guess
    from stopper.scan.tokens.lint import Note

    more: tuple[str, ...] = ()
    if words is not None:
        try:
            more = tuple(dict.fromkeys(Path(words).read_text("utf-8", "replace").splitlines()))
        except OSError as wrong:
            raise UsageError(
                f"--words {words}: {(wrong.strerror or 'cannot be read').lower()}; give a text file"
            ) from None
    name = "SECRET_KEY" if cookie else "the secret"
    if guess(text, more, cookie=cookie, jobs=jobs):
        return Note(
            "secret-guessed",
            "critical",
            f"{name} is on a list of {count(more):,} usual ones: anybody can sign whatever they like; make a random one now",
        )
    return Note(
        "secret-not-guessed", None, f"{name} is none of {count(more):,} usual ones; that does not make it a good one"
    )


def _text(read: "TokenRead", notes: "list[Note]") -> str:
    lines = [
        {"jwt": "JWT, signed", "encrypted-jwt": "JWT, encrypted", "flask-session": "Flask session cookie"}[read.kind],
        "",
    ]
    for title, members in (("header", read.header), ("claims", read.claims)):
        if members:
            width = max(len(_name(name)) for name in members)
            lines.append(title)
            lines.extend(f"  {_name(name):<{width}}  {_value(name, value)}" for name, value in members.items())
            lines.append("")
    order = [note for severity in reversed(SEVERITIES) for note in notes if note.severity == severity]
    told = (*order, *(note for note in notes if note.severity is None))
    lines.extend(f"{(note.severity or 'note').upper():<8}  {mask(note.text)}" for note in told)
    worst = next(
        (f"{len(order)} weaknesses, the worst is {note.severity}." for note in order),
        "No weakness that can be seen without the key.",
    )
    return "\n".join([*lines, "", worst.replace("1 weaknesses", "1 weakness"), ""])


def _name(name: str) -> str:
    return mask("".join(char if char.isprintable() else "?" for char in name)[:60])


def _value(name: str, value: object) -> str:
    if name in _TIMES and isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 2e11:
        return f"{value} ({datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC)"
    return json.dumps(_seen(name, value), ensure_ascii=False)


def _seen(name: str, value: object) -> object:
    """The value of a member that says what the token is for, masked; the kind of any other."""
    if name not in _SHOWN:
        return f"({_kind(value)})"
    said = mask(json.dumps(value, ensure_ascii=True))
    if len(said) > 500:
        return f"({_kind(value)})"
    try:
        return json.loads(said)
    except ValueError:
        return "***"


def _kind(value: object) -> str:
    if isinstance(value, (dict, list, str)):
        word = "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a text"
        return f"{word} of {len(cast('Sized', value))}"
    return "true or false" if isinstance(value, bool) else "null" if value is None else "a number"


def _document(read: "TokenRead", notes: "list[Note]") -> str:
    told = {
        "kind": read.kind,
        "header": {_name(name): _seen(name, value) for name, value in read.header.items()},
        "claims": {_name(name): _seen(name, value) for name, value in read.claims.items()},
        "notes": [{"id": note.id, "severity": note.severity, "text": mask(note.text)} for note in notes],
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"
