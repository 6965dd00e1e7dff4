"""Errors show the inside of the application, and a Python prompt where the debugger is in reach."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.ci_steps import OF_A_PIPELINE, is_of_one_desk
from stopper.core.deployment.desk_files import MADE_UP
from stopper.core.deployment.setting_facts import YES
from stopper.core.deployment.switched_on import asked_for, is_on, switched_on
from stopper.core.fact import TextFile
from stopper.core.facts import SourceFacts, source_of
from stopper.core.place import Span
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.values import Constant, EnvironmentValue, text_of, walk

VARIABLE: Final = "FLASK_DEBUG"
_SETS: Final = r"\b(?:{names})\b[\"']?\s*[=: ]\s*[\"']?(\w+)"
_NAMED: Final = r"\bname:\s*[\"']?(?:{names})\b"
_VALUE: Final = re.compile(r"\s*value:\s*[\"']?(\w+)")
_OF_FILE: Final = re.compile(r"(?:DEBUG|\s{1,4}\"DEBUG\")\s*[:=]\s*[\"']?(\w+)")
"""A setting of its own in TOML, YAML, Python or JSON; what stands deeper belongs to a section that may never be read."""
_STARTED: Final = re.compile(r"\bflask\b[\"',\s](?:[^#\n]*\s)?[\"']?(?:--debug\b|run\b[^#\n]*--debugger\b)")
_ON_EVERY_ADDRESS: Final = re.compile(r"(?:--host|-h)[= ][\"']?(?:0\.0\.0\.0|::)")
_FOR_DESK: Final = re.compile(r"(?i)dev|local|debug|override|test|example|sample|template|flaskenv")
_MESSAGE: Final = "debug mode is on wherever this runs"

_WORKER: Final = re.compile(r"(?m)^\s*(?:command|entrypoint)\s*:.*\b(?:celery|rq|dramatiq|huey|arq)\b")
_OF_TESTS: Final = re.compile(r"(?:^|/)tests?/")


_WHERE: Final = "look whether this file starts more than one's own desk"


def detect(app: App) -> Iterator[Hit]:
    """``DEBUG`` by a setting, ``FLASK_DEBUG`` in the code or in what starts it; else what the running application says."""
    hits = [*_settings(app), *_environment(app), *_settings_files(app), *_files(app)]
    yield from hits
    running = app.config.get("DEBUG")
    if not hits and running is not None and running.reader == "running" and running.value is True:
        yield Hit("the application runs in debug mode", reader="running")


def _settings(app: App) -> Iterator[Hit]:
    for found in switched_on(app, "DEBUG"):
        weak = found.certainty == "possible"
        yield Hit(_MESSAGE, found.span, certainty=found.certainty, severity="low" if weak else None)


def _environment(app: App) -> Iterator[Hit]:
    facts = source_of(app)
    if not facts.imports("os"):
        return
    places = [
        one.span
        for one in facts.assignments()
        if one.target == f"[{VARIABLE}]" and is_on(facts, one.value)  # os.environ["FLASK_DEBUG"] = …
    ]
    for call in facts.calls("os.environ.setdefault", "os.putenv"):
        named = text_of(call.argument(0, "key", "name")) == VARIABLE
        if named and call.span is not None and is_on(facts, call.argument(1, "default", "value")):
            places.append(call.span)
    for place in places:
        if not asked_for(facts, place) and not _FOR_DESK.search(place.path.rpartition("/")[2]):
            yield Hit(_MESSAGE, place)


def _settings_files(app: App) -> Iterator[Hit]:
    """``DEBUG = true`` at the top of a file of settings, where the application makes up the name of a file that it loads. A file that
    is named in the source has been read as the settings that it holds."""
    facts = source_of(app)
    loads = facts.calls("*.from_file", "*.from_pyfile", "*.from_json")
    if all(text_of(call.argument(0, "filename")) is not None for call in loads):
        return
    told = {write.span.path for write in facts.config_writes("DEBUG")}
    for file in facts.files_of("config"):
        last = file.path.rpartition("/")[2]
        if file.path in told or _FOR_DESK.search(last) or _OF_TESTS.search(file.path):
            continue
        for number, line in file.lines_with("debug"):
            said = _OF_FILE.match(line)
            if said and said[1].lower() in YES:
                yield Hit(_MESSAGE, Span(file.path, number, number, 1, len(line) + 1), certainty="likely")


def _variables(facts: SourceFacts) -> str:
    """The variables that switch debug mode on, as a pattern: Flask's own, those with the prefix that settings are loaded by, and those
    that the code reads ``DEBUG`` from."""
    found = {VARIABLE}
    for call in facts.calls("*.from_prefixed_env"):
        prefix = text_of(call.argument(0, "prefix"))
        found |= {f"{prefix}_DEBUG"} if prefix else set()
    said = [write.value for write in facts.config_writes("DEBUG")]
    said += [one for call in facts.calls("flask.Flask.run") if (one := call.argument(2, "debug")) is not None]
    found |= {
        part.variable
        for value in said
        for part in walk(value, 5)
        if isinstance(part, EnvironmentValue) and re.search(r"(?i)debug", part.variable)
    }
    return "|".join(re.escape(one) for one in sorted(found))


def _files(app: App) -> Iterator[Hit]:
    names = _variables(source_of(app))
    started = (one for one in source_of(app).files_of("config") if "uwsgi" in one.path)
    for file in (*source_of(app).files_of("dockerfile", "compose", "procfile", "env", "deployment"), *started):
        if MADE_UP.search(file.path) or OF_A_PIPELINE.search(file.path):
            continue
        if not _FOR_DESK.search(file.path.rpartition("/")[2]) and not (file.kind == "compose" and is_of_one_desk(file)):
            yield from _lines(file, names)
    for file in source_of(app).files_of("shell"):
        if not OF_A_PIPELINE.search(file.path) and not _FOR_DESK.search(file.path):
            for number, line in file.lines_with("--debug"):
                if _STARTED.search(line) and _ON_EVERY_ADDRESS.search(line) and not line.lstrip().startswith("#"):
                    yield Hit(_MESSAGE, Span(file.path, number, number, 1, len(line) + 1), certainty="likely")


def _lines(file: TextFile, names: str) -> Iterator[Hit]:
    sure: Certainty = "certain" if file.kind in ("dockerfile", "procfile") else "likely"
    sets, named = re.compile(_SETS.format(names=names)), re.compile(_NAMED.format(names=names))
    for number, line in file.lines_with("flask", "debug"):
        if line.lstrip().startswith("#"):
            continue
        if file.kind == "compose" and _WORKER.search(_service(file, number)):
            continue  # a worker answers nobody
        said = sets.search(line) or _beside(file, number, named)
        if (said and said.group(1).lower() in YES) or (file.kind != "env" and _STARTED.search(line)):
            span = Span(file.path, number, number, 1, len(line) + 1)
            if file.kind in ("compose", "env"):
                yield Hit(f"{_MESSAGE}: {_WHERE}", span, certainty="possible", severity="low")
            else:
                yield Hit(_MESSAGE, span, certainty=sure)


def _beside(file: TextFile, number: int, named: re.Pattern[str]) -> re.Match[str] | None:
    """``value: "1"`` in the line below ``name: FLASK_DEBUG``, as Kubernetes writes it."""
    stands = file.kind == "deployment" and named.search(file.lines[number - 1]) is not None
    return _VALUE.match(file.lines[number]) if stands and number < len(file.lines) else None


def _service(file: TextFile, number: int) -> str:
    """The lines of the service of a compose file in which that line stands."""
    indents = [len(line) - len(line.lstrip()) if line.strip() else 99 for line in file.lines]
    begin = number - 1
    least = indents[begin]
    while begin > 0 and least > 0:
        if indents[begin - 1] == 0:
            break
        begin -= 1
        least = min(least, indents[begin])
    heads = [at for at in range(begin, len(indents)) if indents[at] <= least]
    first = max((at for at in heads if at < number), default=begin)
    last = next((at for at in heads if at >= number), len(indents))
    return "\n".join(file.lines[first:last])


def fix(app: App, hit: Hit) -> Edit | None:
    """``False``, where the literal stands in the setting itself."""
    for write in source_of(app).config_writes("DEBUG"):
        value = write.value
        if write.span == hit.span and isinstance(value, Constant) and value.value is True and value.span is not None:
            return Edit(value.span, "False", safe=True) if value.span.path == write.span.path else None
    return None


RULE = Rule(
    slug="debug-enabled-in-config",
    family="leak",
    title="Debug mode by a setting",
    harm="Errors show the inside of the application, and a Python prompt where the debugger is in reach.",
    severity="critical",
    check="data-exposure",
    cwe=(489,),
    owasp="API8:2023",
    asvs=("V13.4.2",),
    surfaces=("source", "running"),
    ends="`Stopper(app)` refuses debug mode as long as `STOPPER_MODE` is `prod`.",
    detect=detect,
    fix=fix,
)
