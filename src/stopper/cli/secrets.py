"""`stopper secrets check`: which secrets are old, weak, shared, or stand in the repository."""

import json
import os
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import click

from stopper.cli.output import save, to_stdout
from stopper.core.errors import IncompleteError, StopperError, UsageError
from stopper.core.redactor import mask
from stopper.secrets.in_repository import search
from stopper.secrets.judging import OLDEST_DAYS, Complaint, Subject, age_days, judge
from stopper.secrets.subjects import Gathering


@click.group(
    "secrets", short_help="Judge the secrets of a service: age, strength, sharing, presence in the repository."
)
def command() -> None:
    """The secrets of a service."""


@command.command("check", short_help="Say which secrets are old, weak, shared, or stand in the repository.")
@click.argument("target", metavar="[MODULE:APP|FILE]", required=False)
@click.option(
    "--max-age",
    type=click.IntRange(0),
    default=OLDEST_DAYS,
    show_default=True,
    metavar="DAYS",
    help="An older secret is told.",
)
@click.option(
    "--history",
    type=click.IntRange(0),
    default=1000,
    show_default=True,
    metavar="N",
    help="How many commits are searched; 0 for none.",
)
@click.option("--root", type=click.Path(), default=".", metavar="DIR", help="Where the repository is. Default: here.")
@click.option("--format", "shape", type=click.Choice(("text", "json")), default="text", help="How it is written.")
@click.option("--output", type=click.Path(), metavar="FILE", help="Write it there instead of to the screen.")
@click.option("--traceback", is_flag=True, help="Show where an error inside Stopper came from.")
def check(
    target: str | None, max_age: int, history: int, root: str, shape: str, output: str | None, traceback: bool
) -> int:
    """Load what STOPPER_SECRETS declares (in the environment, in FILE as JSON or TOML, or in the config of MODULE:APP) and judge
    each secret. No output holds a value. Exit 1 when something is wrong with one, 3 when one could not be loaded."""
    if not Path(root).is_dir():
        raise UsageError(f"--root {root} is not a folder; give the folder of the repository")
    import_module("stopper.extension.settings")  # declares the guard's own secret settings
    gathering = Gathering(_config(target), os.environ)
    gathering.gather()
    if not gathering.subjects and not gathering.errors:
        raise UsageError(
            "no secrets are declared; set STOPPER_SECRETS, or name the app: stopper secrets check shop:app"
        )
    now = time.time()
    values = {one.name: one.value for one in gathering.subjects if not one.alias}
    found = search(Path(root), values, history)
    stands = tuple(
        Complaint(name, "in-repository", "stands in the repository; rotate it, then take it out", places)
        for name, places in found.places.items()
    )
    complaints = (*judge(gathering.subjects, now, max_age), *stands)
    report = _Report(gathering.subjects, complaints, found.notes, tuple(gathering.errors), now)
    text = mask(_as_json(report) if shape == "json" else _as_text(report))
    if output is not None and output != "-":
        save(Path(output), text)
    else:
        to_stdout(text)
    return 1 if complaints else 3 if gathering.errors else 0


@dataclass(frozen=True, slots=True)
class _Report:
    subjects: Sequence[Subject]
    complaints: Sequence[Complaint]
    notes: Sequence[str]
    errors: Sequence[str]
    now: float


def _as_json(report: _Report) -> str:
    shown = {
        "version": 1,
        "secrets": [
            {"name": one.name, "where": one.where, "age_days": age_days(one, report.now), "lent": one.lent}
            for one in report.subjects
        ],
        "complaints": [
            {"name": one.name, "kind": one.kind, "text": one.text, "places": list(one.places)}
            for one in report.complaints
        ],
        "skipped": list(report.notes),
        "errors": list(report.errors),
    }
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"


def _as_text(report: _Report) -> str:
    names = max((len(one.name) for one in report.subjects), default=0)
    places = max((len(one.where) for one in report.subjects), default=0)
    lines: list[str] = []
    for subject in report.subjects:
        lines.append(f"{subject.name:<{names}}  {subject.where:<{places}}  {_age(subject, report.now)}")
        for one in report.complaints:
            if one.name == subject.name:
                lines.append(f"  {one.kind}: {one.text}")
                lines += [f"    {place}" for place in one.places]
    lines += [f"error: {one}" for one in report.errors] + [f"note: {one}" for one in report.notes]
    count, wrong = len(report.subjects), len(report.complaints)
    lines.append(f"{count} secret{'' if count == 1 else 's'}, {wrong} complaint{'' if wrong == 1 else 's'}")
    return "\n".join(lines) + "\n"


def _age(subject: Subject, now: float) -> str:
    if subject.lent:
        return "lent for a time"
    age = age_days(subject, now)
    return "age unknown" if age is None else f"{age} day{'' if age == 1 else 's'}"


def _config(target: str | None) -> Mapping[str, object]:
    if target is None:
        return {}
    if Path(target).is_file():
        return _from_file(Path(target))
    if ":" not in target or "/" in target:
        raise UsageError(f"{target} is neither MODULE:APP nor a file; type: stopper secrets check shop:app")
    return _from_app(target)


def _from_file(path: Path) -> Mapping[str, object]:
    try:
        text = path.read_text("utf-8")
        found: object = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UsageError(f"{path} cannot be read; give JSON or TOML with STOPPER_SECRETS in it")
    said = cast("dict[str, object]", found)
    return said if "STOPPER_SECRETS" in said else {"STOPPER_SECRETS": said}


def _from_app(target: str) -> Mapping[str, object]:
    from flask.cli import NoAppException, ScriptInfo

    try:
        app: Any = ScriptInfo(app_import_path=target, load_dotenv_defaults=False).load_app()
    except NoAppException as wrong:
        raise UsageError(" ".join(wrong.format_message().split())) from None
    except StopperError:
        raise
    except Exception as wrong:  # noqa: BLE001 - a stranger's module may raise anything
        raise IncompleteError(f"{target} dies on import: {type(wrong).__name__}: {wrong}") from None
    held = cast("Mapping[str, object]", app.config)
    defaults = cast("Mapping[str, object]", app.default_config)
    return {key: value for key, value in held.items() if key not in defaults or value != defaults[key]}
