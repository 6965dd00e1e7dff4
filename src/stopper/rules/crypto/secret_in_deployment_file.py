"""Whoever gets the image or the repository has the password or key."""

import base64
import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.ci_steps import OF_A_PIPELINE, is_of_one_desk
from stopper.core.deployment.settings_set_aside import is_in_tests_settings, is_place_set_aside, is_set_aside
from stopper.core.edits.variable_edits import from_variable
from stopper.core.fact import TextFile
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.calls_by_place import calls_between
from stopper.core.keys.key_shapes import is_drawn, is_placeholder
from stopper.core.naming import VARIABLE, sensitive
from stopper.core.place import Span
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import Constant, EnvironmentValue, Mapping, Parameter, Value, text_of, walk

_PAIR: Final = re.compile(
    r"(?<![\w$-])([A-Za-z][A-Za-z0-9_]{2,60})(?:=|:[ \t]+(?!\w+=|[{\[])|[\"']\s*:\s*)(\"[^\"]*\"|'[^']*'|[^\s\"'#,]+)"
)
_OLD_ENV: Final = re.compile(r"^\s*ENV\s+([A-Za-z]\w{2,60})\s+([^=\s]+)\s*$")
_NAME_AND_VALUE: Final = re.compile(
    r"""[\"']?\bname[\"']?\s*[:=]\s*[\"']?([A-Za-z]\w{2,60})[\"']?\s*,\s*[\"']?value[\"']?\s*[:=]\s*(\"[^\"]*\"|'[^']*'|[^\s,}]+)"""
)
"""``{name: DB_PASSWORD, value: …}``, as containers are given their environment."""
_NAME_LINE: Final = re.compile(r"""^\s*-?\s*(?:name|key):\s*[\"']?([A-Za-z]\w{2,60})[\"']?\s*$""")
_VALUE_LINE: Final = re.compile(r"""^\s*value:\s*(\"[^\"]*\"|'[^']*'|[^\s#]+)\s*(?:#.*)?$""")
_REQUIRES: Final = re.compile(r"""--requirepass[\s"',=]+([^\s"'$,\]]+)""")
"""What Redis is started with."""
_ENVIRONMENT_IS: Final = re.compile(r"(?i)^\s*environment\s*=\s*")
"""What systemd and supervisor put before the variables."""
_SET_ENV: Final = re.compile(
    r"""(?i)^\s*(?:SetEnv|(?:uwsgi|fastcgi)_param)\s+([A-Za-z]\w{2,60})\s+("[^"]*"|'[^']*'|[^\s;]+)"""
)
"""As Apache and nginx give variables to what they serve."""
_STARTED_WITH: Final = re.compile(
    r"""(?:^\s*export\s+|\s(?:-e|--env)[ =]|^\s*[@-]?)([A-Z][A-Z0-9_]{2,60})=("[^"]*"|'[^']*'|[^\s"'$`]+)(?=\s|$)"""
)
"""A variable of a shell that is handed to what it starts."""
_OF_KIND: Final = re.compile(r"^kind:\s*Secret\s*$")
_SEALED: Final = re.compile(r"^kind:\s*SealedSecret\s*$")
"""Its values are encrypted for the cluster."""
_KEPT: Final = re.compile(r"""^\s+([A-Za-z][\w.-]{2,60}):\s*["']?([A-Za-z0-9+/]{8,}={0,2})["']?\s*(?:#.*)?$""")
_SET: Final = re.compile(r"""^\s*([A-Za-z]\w{2,60})\s+=\s+("[^"]*"|'[^']*')""")
"""``password = "…"`` of Terraform."""
_FALLBACK: Final = re.compile(r"^\$\{\w+:?-([^${}]+)\}$")
"""``${SECRET_KEY:-…}``: what it is where nobody sets the variable."""
_NOT_LIVE: Final = re.compile(r"(?i)(?:^|[/_.-])(?:staging|vagrant|molecule|minikube|kind)(?:[/_.-]|$)")
"""Machines that are set up to try something out."""
_ANY_KEY: Final = re.compile(
    r"(?i)^(?!.*(?:public|pub|cache|sort|partition|primary|foreign|idempot|recaptcha|site|client|publishable|anon)).+_key$"
)
"""``SENDGRID_KEY``: what was drawn under such a name opens something."""
_OF_ANOTHER: Final = re.compile(r"(?i)existing|(?:ref|name|file|path)$")
"""Names that say where the secret lies."""
_IN_URL: Final = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,30}://[^\s/:@'\"<>{}$%()\[\]]{0,100}:([^\s/@'\"<>{}$%()\[\]]{1,200})@[\w.\[-]"
)
_SHOWS_HOW: Final = re.compile(r"(?i)://(?:user|user_?name|login|name):(?:pass|pass_?word|pwd|secret)@")
"""An address that shows what goes where."""
_OF_A_DESK: Final = re.compile(
    r"://([\w-]+):(?:\1|postgres|root|mysql|guest|password)@(?:localhost|127\.0\.0\.1|\[::1\])(?=[:/]|$)"
)
"""A server of this very machine, whose password is its user's name or the one that it comes with."""
_HOSTED: Final = re.compile(
    r"(?i)@((?:[\w-]+\.)+(?:mongodb\.net|rds\.amazonaws\.com|neon\.tech|supabase\.com?|rlwy\.net|railway\.app|upstash\.io|cloudamqp\.com|"
    r"redislabs\.com|redns\.redis-cloud\.com|elephantsql\.com|aivencloud\.com|psdb\.cloud|db\.ondigitalocean\.com|render\.com|"
    r"clever-cloud\.com|database\.azure\.com|database\.windows\.net))(?=[:/?]|$)"
)
"""Providers of databases whose servers have an address of their own in the open net."""
_HERE: Final = re.compile(r"localhost|127\.0\.0\.1|::1")
_DEFAULTS: Final = frozenset(
    {
        "password", "passwd", "pass", "pwd", "postgres", "root", "admin", "guest", "user", "mysql", "secret", "test", "example", "rabbitmq", "pw",
        "mongo", "redis", "username", "port", "pass123", "token", "changeme",
    }
)  # fmt: skip
_SHORTEST: Final = 4
_POINTER: Final = re.compile(
    r"^(?:\$|<|%|@\{|@@|\{|/|!|\*+$|true$|false$|none$|null$|\d{1,6}$|https?://|arn:|env:|file:|vault:|op://)",
    re.IGNORECASE,
)
_TO_FILL_IN: Final = re.compile(
    r"(?i)[._-](?:example|sample|template|dist)\.py$|(?:^|/)(?:example|sample)[._-]\w+\.py$"
)
"""Settings that are copied under another name and filled in: ``config.example.py``."""
_OF_TESTS: Final = re.compile(r"(?i)(?:^|_)tests?(?:ing)?(?:_|$)")
"""Variables that only a run of tests reads."""


def detect(app: App) -> Iterator[Hit]:
    """Literals under the names of secrets in deployment files, passwords in URLs, defaults of arguments and of the environment."""
    facts = source_of(app)
    seen: set[tuple[str, int]] = set()
    for hit in (*_files(facts), *_urls(facts), *_environment_defaults(facts), *_argument_defaults(facts)):
        if hit.span is not None and (hit.span.path, hit.span.line) not in seen:
            seen.add((hit.span.path, hit.span.line))
            yield hit


def _files(facts: SourceFacts) -> Iterator[Hit]:
    told: dict[tuple[str, str], str] = {}
    for file in facts.files_of("compose", "dockerfile", "procfile", "deployment"):
        if file.kind == "deployment" and _NOT_LIVE.search(file.path):
            continue
        if not OF_A_PIPELINE.search(file.path) and not is_of_one_desk(file):
            yield from _in_file(file, told)
    for file in facts.files_of("config"):
        if "uwsgi" in file.path or any(True for _ in file.lines_with("env_variables:")):  # the second is App Engine's
            yield from _in_file(file, told)
    for file in facts.files_of("config", "deployment"):
        yield from _in_headers(file)
    for file in facts.files_of("shell", "build"):
        if not OF_A_PIPELINE.search(file.path) and not _NOT_LIVE.search(file.path):
            yield from _in_shell(file)


_HEADER_SET: Final = re.compile(
    r"""(?i)^\s*(?:proxy_set_header|RequestHeader\s+set|http-request\s+set-header)\s+"?(?:authorization|[\w-]*(?:key|token|secret)[\w-]*)"?\s+"""
    r"""["']?(?:(?:basic|bearer)\\? )?([\w+/=.~-]{12,})["']?\s*;?\s*(?:#.*)?$"""
)
"""A header of a credential that a proxy in front puts into each request."""


def _in_headers(file: TextFile) -> Iterator[Hit]:
    """``proxy_set_header Authorization "Basic …";`` of a proxy in front of the application."""
    for number, line in file.lines_with("proxy_set_header", "requestheader", "set-header"):
        found = _HEADER_SET.match(line)
        if found is not None and is_secret(found[1]) and is_drawn(found[1]):
            yield _told("a secret stands in this file", Span(file.path, number, number, 1, len(line) + 1), found[1])


def _in_shell(file: TextFile) -> Iterator[Hit]:
    """``export SECRET_KEY=…``, ``docker run -e SECRET_KEY=…``, ``SECRET_KEY=… flask run``: what was drawn, for a made-up one is for a desk."""
    for number, line in enumerate(file.lines, 1):
        if "=" not in line or line.lstrip().startswith("#") or (file.kind == "build" and "export" in line):
            continue
        for name, value in _STARTED_WITH.findall(line):
            text = value.strip("\"'")
            if sensitive(name) is not None and not _OF_ANOTHER.search(name) and is_secret(text) and is_drawn(text):
                yield _told("a secret stands in this file", Span(file.path, number, number, 1, len(line) + 1), text)
                break


def _urls(facts: SourceFacts) -> Iterator[Hit]:
    told: set[tuple[str, str]] = set()
    for text in facts.texts():
        if (handed := _STARTED_WITH.match(text.value)) and "gunicorn" in text.span.path and is_secret(handed[2]):
            if sensitive(handed[1]) is not None and is_drawn(handed[2]):
                yield _told("a secret stands in this file", text.span, handed[2])
            continue
        if _TO_FILL_IN.search(text.span.path):
            continue
        found = _IN_URL.search(text.value) if "@" in text.value else None
        if (
            found
            and not is_placeholder(found.group(1))
            and not _SHOWS_HOW.search(text.value)
            and not _OF_A_DESK.search(text.value)
        ):
            if (text.span.path, found.group(1)) in told or is_in_tests_settings(facts, text.span):
                continue
            told.add((text.span.path, found.group(1)))
            if hosted := _HOSTED.search(text.value):
                if (
                    "",
                    said := f"{found.group(1)}@{hosted[1]}",
                ) not in told:  # where it stands first, of however many files
                    told.add(("", said))
                    yield Hit("the password of a server that everybody reaches stands in this URL", text.span)
                continue
            yield _told("a password stands in this URL", text.span, found.group(1))


def _in_file(file: TextFile, elsewhere: dict[tuple[str, str], str]) -> Iterator[Hit]:
    """Each secret once, where it stands first: the server and whoever connects to it are given the same one, also where several files
    start them, which *elsewhere* collects with the file of each name and value."""
    told: set[str] = set()
    sealed = file.kind == "deployment" and any(_OF_KIND.match(line) for _, line in file.lines_with("kind: secret"))
    if any(_SEALED.match(line) for _, line in file.lines_with("sealedsecret")):
        return
    for number, written in enumerate(file.lines, 1):
        said = written.strip()
        if not said or said.startswith(("#", ";")):
            continue
        line = _ENVIRONMENT_IS.sub("", written) if file.kind == "deployment" else written
        pairs = [
            *_PAIR.findall(line),
            *_OLD_ENV.findall(line),
            *_SET_ENV.findall(line),
            *_named_and_valued(file, number),
            *(("password", found) for found in _REQUIRES.findall(line)),
        ]
        span = Span(file.path, number, number, 1, len(written) + 1)
        if sealed and (kept := _KEPT.match(line)) and (text := _read(kept[2])):
            pairs = [(kept[1], text)]  # and not how it is written
        if file.path.endswith((".tf", ".tfvars")):
            pairs += [*_SET.findall(line), *_default_of_variable(file, number)]
            pairs = [(name, value) for name, value in pairs if value[:1] in "\"'"]  # the rest are names of other things
        elif file.path.endswith(".toml"):
            pairs += _SET.findall(line)
        named = [
            (name, _FALLBACK.sub(r"\1", value.strip("\"'")))
            for name, value in pairs
            if (sensitive(name) is not None or (_ANY_KEY.search(name) and is_drawn(value.strip("\"'"))))
            and not _OF_ANOTHER.search(name)
            and not _names_another(name, value, file)
        ]
        name, found = next(((name, value) for name, value in named if is_secret(value)), ("", None))
        in_url = _IN_URL.search(line) if "@" in line else None
        said_now = found if found is not None else in_url.group(1) if in_url else ""
        if found is not None and elsewhere.setdefault((name, found), file.path) != file.path:
            told.add(found)  # whoever is given it here is given the one that is told there
        if said_now in told:
            continue
        if found is not None:
            told.add(found)
            yield _told("a secret stands in this file", span, found, signs=sensitive(name) == "config-secret")
        elif in_url and not is_placeholder(in_url.group(1)):
            told.add(in_url.group(1))
            yield _told("a password stands in a URL of this file", span, in_url.group(1))


def _read(value: str) -> str:
    """What stands in the base64 of a Secret of Kubernetes, which anybody can read; empty where it is no text."""
    try:
        text = base64.b64decode(value, validate=True).decode("ascii")
    except ValueError:
        return ""
    return text if text.isprintable() and not re.search(r"\s", text) else ""


def _names_another(name: str, value: str, file: TextFile) -> bool:
    """``clientSecret: &clientSecret``, ``sharedSecret: "sharedSecret"`` and, of a resource of Kubernetes, ``secretKey: database-password``: where
    the secret is found, or what it is called."""
    said = value.strip("\"'")
    alike = re.sub(r"[\W_]", "", said).lower() == re.sub(r"[\W_]", "", name).lower()
    return (
        alike
        or said[:1] in "&*"
        or (file.kind == "deployment" and re.fullmatch(r"[a-z]+(?:-[a-z]+)+", said) is not None)
    )


def _named_and_valued(file: TextFile, number: int) -> list[tuple[str, str]]:
    """``- name: DB_PASSWORD`` and ``value: …`` in one line, or in this one and the one before."""
    line = file.lines[number - 1]
    if "value" not in line:
        return []
    found = _NAME_AND_VALUE.findall(line)
    valued = _VALUE_LINE.match(line) if number > 1 else None
    named = _NAME_LINE.match(file.lines[number - 2]) if valued is not None else None
    return [*found, (named[1], valued[1])] if named is not None and valued is not None else found


_DEFAULT: Final = re.compile(r"""^\s*default\s*=\s*("[^"]*")""")
_VARIABLE: Final = re.compile(r"""^\s*variable\s+"([A-Za-z]\w{2,60})"\s*\{""")


def _default_of_variable(file: TextFile, number: int) -> list[tuple[str, str]]:
    """``default = "…"`` of Terraform's ``variable "db_password" {``, in whose block the line stands."""
    said = _DEFAULT.match(file.lines[number - 1])
    for line in reversed(file.lines[: number - 1]) if said is not None else ():
        if named := _VARIABLE.match(line):
            return [(named[1], said[1])] if said is not None else []
        if line.startswith("}"):
            break
    return []


def is_secret(value: str) -> bool:
    """That the text is a value of its own and no pointer to one."""
    return len(value) >= _SHORTEST and not _POINTER.search(value) and not is_placeholder(value) and "$(" not in value


def _told(message: str, span: Span, value: str, *, signs: bool = False) -> Hit:
    """A value that a person made up is most often that of a desk, or of a server that nobody outside reaches: that has to be looked at. What
    signs is as bad where it is short."""
    if signs or is_drawn(value):
        return Hit(message, span, certainty="possible" if value.lower() in _DEFAULTS else "likely")
    return Hit(
        f"{message}: look whether what it opens is reached by others", span, certainty="possible", severity="low"
    )


def _environment_defaults(facts: SourceFacts) -> Iterator[Hit]:
    seen: set[object] = set()
    for name, value, span in _given(facts):
        default = _default_secret(name, value)
        if default and seen.isdisjoint((span, (name, default))):
            seen |= {span, (name, default)}  # one variable with one fallback, read in two places, is one secret
            yield _told("a secret is the default where the environment says nothing", span, default)


def _default_secret(name: str, value: Value) -> str:
    """The literal that stands in for a variable of the environment which holds a password or a token."""
    if (
        not isinstance(value, EnvironmentValue)
        or sensitive(name) not in ("password", "token")
        or _OF_TESTS.search(name)
    ):
        return ""
    default = text_of(value.default) or ""
    return default if is_secret(default) else ""


def _given(facts: SourceFacts) -> Iterator[tuple[str, Value, Span]]:
    for one in facts.assignments():
        if isinstance(one.value, EnvironmentValue) and not is_place_set_aside(facts, one.attribute, one.span):
            yield one.value.variable, one.value, one.span
    for write in facts.config_writes():
        if isinstance(write.value, EnvironmentValue) and not is_set_aside(facts, write):
            yield write.value.variable, write.value, write.span
    for value in _inside(facts):
        if value.span is not None and not is_in_tests_settings(facts, value.span):
            yield value.variable, value, value.span


def _inside(facts: SourceFacts) -> Iterator[EnvironmentValue]:
    """Variables that are a part of something: of a mapping of options, of what a call is given."""
    tables = (one.value.items for one in facts.assignments() if isinstance(one.value, Mapping))
    passed = (call.keywords for call in facts.calls() if call.keywords)
    for group in (*tables, *passed):
        known = [part for _, part in group if isinstance(part, EnvironmentValue)]
        fallbacks = [text_of(part.default) or "" for part in known]
        if len(known) > 1 and any(
            map(_HERE.fullmatch, fallbacks)
        ):  # where nothing is said, the server of one's own desk
            known = [
                part
                for part in known
                if fallbacks.count(text_of(part.default) or "") < 2 and text_of(part.default) not in _DEFAULTS
            ]
        yield from known


def _argument_defaults(facts: SourceFacts) -> Iterator[Hit]:
    for function in facts.functions():
        names = [name for name in function.parameters if sensitive(name) not in (None, "token")]
        if not names:
            continue
        place = function.span  # by the place: a step may be read as if it stood where its one caller is
        for call in calls_between(facts, place.path, place.line, place.end_line):
            if any(_is_default_of(value, function.name, names) for value in walk(call, 3)):
                yield Hit("a secret is the default of an argument that is used here", call.span, certainty="likely")
                break


def _is_default_of(value: Value, function: str, names: list[str]) -> bool:
    return (
        isinstance(value, Parameter)
        and value.parameter in names
        and value.function == function
        and isinstance(value.default, Constant)
        and isinstance(value.default.value, str)
        and is_secret(value.default.value)
        and not VARIABLE.fullmatch(value.default.value)
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """The variable that Compose refuses to start without, in place of a literal of a Compose file."""
    facts, span = source_of(app), hit.span
    if span is None:
        return None
    others = [*facts.files_of("compose", "dockerfile", "deployment")]
    found = (one for one in facts.files_of("compose") if one.path == span.path)
    return next((from_variable(one, span.line, "${{{}:?required}}", others) for one in found), None)


RULE = Rule(
    slug="secret-in-deployment-file",
    family="crypto",
    title="Secret in a deployment file",
    harm="Whoever gets the image or the repository has the password or key.",
    severity="high",
    check="data-exposure",
    cwe=(798,),
    owasp="API8:2023",
    asvs=("V13.3.1",),
    surfaces=("source",),
    ends="`STOPPER_SECRETS` of Stopper names where secrets lie, so none stands in a file.",
    repeats=("default-account-enabled",),
    certainty="likely",
    detect=detect,
    fix=fix,
)
