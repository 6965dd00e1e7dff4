"""A stranger reads every key and password that the application has."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.answers.settings_shown import shows_settings_whole
from stopper.core.app import App
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.fact import Flow, TextFile
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.answers import honest_answers
from stopper.core.probing.internal import left_behind
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Mapping, Name, literals, text_of, walk

MESSAGE: Final = "every setting of the application is in this response, its keys included"
_OF_FILES: Final = re.compile(
    r"(?i)\.(?:ya?ml|conf|cfg|ini|toml|sh|env|service|tf)(?:\.\w+)?$|dockerfile|(?:^|[/_.-])compose[._-]"
)
"""Templates of files for a machine: nobody is answered with them."""
_SHOWN_BY_TEMPLATE: Final = re.compile(
    r"\{\{-?\s*config(?:\.items\(\))?\s*(?:\|\s*(?:tojson|pprint|safe|string|e|dictsort|list)\b[^}]*)?-?\}\}"
    r"|\{%-?\s*for\s+[\w\s,]{1,60}\s+in\s+(?:config\.items\(\)|config\.values\(\)|config\s*\|\s*(?:dictsort|items))"
)
"""The settings as a whole, by what Jinja has as ``config``."""
ENOUGH: Final = 4
"""So many of Flask's own settings, each with a value, are no coincidence."""
_SETTINGS: Final = (
    "SECRET_KEY", "SECRET_KEY_FALLBACKS", "SESSION_COOKIE_NAME", "SESSION_COOKIE_DOMAIN", "SESSION_COOKIE_PATH",
    "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_SAMESITE", "SESSION_REFRESH_EACH_REQUEST",
    "PERMANENT_SESSION_LIFETIME", "PROPAGATE_EXCEPTIONS", "PREFERRED_URL_SCHEME", "TEMPLATES_AUTO_RELOAD", "EXPLAIN_TEMPLATE_LOADING",
    "TRAP_HTTP_EXCEPTIONS", "TRAP_BAD_REQUEST_ERRORS", "MAX_CONTENT_LENGTH", "MAX_COOKIE_SIZE", "SEND_FILE_MAX_AGE_DEFAULT",
    "APPLICATION_ROOT", "SERVER_NAME", "USE_X_SENDFILE",
)  # fmt: skip
_VARIABLES: Final = (
    "HOME",
    "PWD",
    "OLDPWD",
    "SHELL",
    "USER",
    "LOGNAME",
    "HOSTNAME",
    "SHLVL",
    "LANG",
    "TERM",
    "TMPDIR",
    "VIRTUAL_ENV",
    "PYTHONPATH",
)
_LITERAL: Final = r"(?:[\"'/<\[{(\d]|b'|(?:None|True|False|null|true|false)\b|datetime\.)"
_NEXT: Final = r"</t[dh]>\s*<td[^<>]{0,200}>|</dt>\s*<dd[^<>]{0,200}>"
"""From the name to the value in a table, and in a list of terms."""
_SEARCH_PATH: Final = re.compile(rf"[\"']?\bPATH[\"']?\s*(?:[:=]|{_NEXT})\s*[\"']?/[^\s\"',]{{0,2000}}?/bin\b")


def detect(app: App) -> Iterator[Hit]:
    """All settings or all environment variables that reach a response or a page with their values."""
    facts = source_of(app)
    for flow in facts.flows("response", "template", label="whole-config"):
        if shows_settings_whole(facts, flow) and not (flow.sink == "template" and _is_handed_as_it_is(flow)):
            yield Hit(MESSAGE, flow.span)
    yield from _in_templates(facts)
    yield from _in_every_template(facts)


def _in_every_template(facts: SourceFacts) -> Iterator[Hit]:
    """What a context processor gives to all templates, where one of them shows it as it is."""
    for function in facts.functions():
        if not any(one.name.endswith("context_processor") for one in function.decorators):
            continue
        for returned in facts.returns_of(function.name):
            for key, held in returned.value.items if isinstance(returned.value, Mapping) else ():
                flow = Flow("template", held, facts.labels(held), returned.span, function.name)
                shown = flow.has("whole-config") and shows_settings_whole(facts, flow)
                name = text_of(key)
                if shown and name and _is_shown(facts, name):
                    yield Hit(MESSAGE, returned.span, certainty="likely")


def _is_shown(facts: SourceFacts, name: str) -> bool:
    shows = re.compile(rf"\{{\{{-?\s*{re.escape(name)}\s*(?:\||-?\}}\}})|\bin\s+{re.escape(name)}\b")
    return any(shows.search(line) for file in facts.files_of("template") for _, line in file.lines_with(name.lower()))


def _is_handed_as_it_is(flow: Flow) -> bool:
    """``config=app.config``: a template may show one setting of it, and has it anyway."""
    return not any(
        isinstance(one, Call) or (isinstance(one, Name) and one.dotted.startswith("os.environ"))
        for one in walk(flow.value, 4)
    )


def _in_templates(facts: SourceFacts) -> Iterator[Hit]:
    """``{{ config }}``, ``{% for name, value in config.items() %}``: every template has the settings under that name."""
    given = _given_another(facts)
    for file in (one for one in facts.files_of("template") if not _OF_FILES.search(one.path)):
        if any(file.path.endswith(name) for name in given):
            continue
        for number, line in file.lines_with("config"):
            if _SHOWN_BY_TEMPLATE.search(line) and not _is_its_own(file, number):
                yield Hit(MESSAGE, Span(file.path, number, number, 1, len(line) + 1), certainty="likely")
                break
    for call in facts.calls("flask.render_template_string"):
        for text in literals(call.argument(0, "source")):
            if isinstance(text.value, str) and _SHOWN_BY_TEMPLATE.search(text.value):
                yield Hit(MESSAGE, call.span, certainty="likely")
                break


def _given_another(facts: SourceFacts) -> frozenset[str]:
    """The templates to which a view hands something else under that name: the text of a file to edit."""
    return frozenset(
        f"/{name}"
        for call in facts.calls("flask.render_template")
        if (name := text_of(call.argument(0))) is not None
        and any(
            said == "config" or (said == "**" and isinstance(held, Mapping) and held.get("config") is not None)
            for said, held in call.keywords
        )
    )


def _is_its_own(file: TextFile, number: int) -> bool:
    """That the line stands where the template has something else under that name: a parameter of a macro, what a loop runs over."""
    before = [
        one
        for at, line in file.lines_with("config", "endmacro", "endfor")
        if at <= number
        for one in _NAMES.findall(line)
    ]
    return bool(before) and before[-1] not in ("endmacro", "endfor")


_NAMES: Final = re.compile(
    r"\{%-?\s*(endmacro|endfor|macro\s+\w+\s*\([^)]*\bconfig\b|set\s+config\b|for\s+(?:\w+\s*,\s*)*config\b|(?:from|import)\b[^%]*\bconfig\b)"
)
"""What gives the name to something else, and what ends that."""


def probe(target: Target) -> Steps[Verdict]:
    """Read every route that may be read, and those that were left behind, and look for the names of Flask's settings with their values."""
    asked = 0
    control: Exchange | None = None
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    answers = yield from honest_answers(target)
    known = {ref for ref, _ in answers}
    for ref, exchange in (*answers, *(one for one in (yield from left_behind(target)).served if one[0] not in known)):
        asked += 1
        if not dumps(exchange.response):
            continue
        if control is None:
            control = yield from send(Request("GET", f"/stopper-{target.canary}"))
            evidence.append(Evidence("exchange", "control: an address that does not exist", control))
        places.append(ref)
        evidence.append(Evidence("exchange", f"{ref.path} shows the settings of the process", exchange))
    if places:
        return failed(f"{places[0]} shows the whole configuration", places, evidence)
    if not asked:
        return not_applicable("no route can be read")
    return passed(f"none of {asked} answers shows the configuration")


def dumps(response: Response) -> bool:
    """That the answer holds several of Flask's settings, or the search path with other variables of the environment, with values."""
    from html import unescape  # of the probe alone, and dear to import

    text = unescape(response.text)
    if sum(_has(text, name) for name in _SETTINGS) >= ENOUGH:
        return True
    return bool(_SEARCH_PATH.search(text)) and sum(_has(text, name) for name in _VARIABLES) >= 2


def _has(text: str, name: str) -> bool:
    """That the name stands with a value: a literal of Python or JSON, not a sentence about it."""
    return re.search(rf"\b{name}\b[\"']?\s*(?:[:=]\s*{_LITERAL}|{_NEXT})", text) is not None


RULE = Rule(
    slug="config-dump-in-response",
    family="api-key",
    title="Whole configuration in a response",
    harm="A stranger reads every key and password that the application has.",
    severity="critical",
    check="data-exposure",
    cwe=(200,),
    owasp="API8:2023",
    asvs=("V13.4.5",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's `Secret` prints as `***`, also in a dump of `app.config`.",
    detect=detect,
    probe=probe,
)
