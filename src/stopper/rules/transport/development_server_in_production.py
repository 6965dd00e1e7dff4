"""A server that is made for one desk serves everybody: slow, with tracebacks, without the care of a real one."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.ci_steps import OF_A_PIPELINE
from stopper.core.deployment.desk_files import is_run_by_hand
from stopper.core.deployment.docker_stages import is_of_a_desk_alone
from stopper.core.deployment.served_otherwise import is_served_otherwise
from stopper.core.deployment.setting_facts import plain
from stopper.core.fact import TextFile
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.passing import given
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.baseline import attempt, candidates
from stopper.core.probing.loopback import is_loopback
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import Call, Constant, Member, Name, Parameter, Value, is_constant, text_of

_RUN: Final = (
    "flask.Flask.run",
    "flask_socketio.SocketIO.run",
    "connexion.FlaskApp.run",
    "connexion.App.run",
    "apiflask.APIFlask.run",
)
_SIMPLE: Final = (
    "werkzeug.serving.run_simple",
    "werkzeug.run_simple",
    "werkzeug.serving.make_server",
    "flask_script.Server",
)
_EVERYBODY: Final = ("0.0.0.0", "::", "")
_APP: Final = re.compile(r"(?:\w*_)?app(?:lication)?|(?:create|make|build)_(?:\w*_)?app(?:lication)?")
_FOR_ONE_DESK: Final = re.compile(r"(?i)(?:^|[/._-])(?:dev|devel|development|debug|local)(?:$|[/._-])")
_OF_TESTS: Final = re.compile(r"(?i)(?:^|[_-])tests?(?:[_-]|$)|test_?server")
_ON_EVERY_ADDRESS: Final = re.compile(r"(?:--host|-h)[= ][\"']?(?:\$\{\w+:?-)?[\"']?(?:0\.0\.0\.0|::)")
_COMMAND: Final = re.compile(
    r"(?i)(^|[\s\"',\[=]|/bin/)(flask([\"',\s]+(--app|-A)[\"',=\s]+\S+)?[\"',\s]+run|python3?[\"',\s]+-m[\"',\s]+flask\b.*\brun|python3?[\"',\s]+(?:-\w[\"',\s]+)?[\w./]*manage\.py[\"',\s]+runserver)\b"
)


_ENTRY: Final = re.compile(r"(?i)^\s*ENTRYPOINT\s*\[(.*)\](?:\s|$)")
_OF_CONTAINER: Final = re.compile(r"^[\s-]*(command|args):\s*\[(.*)\](?:\s|$)")
_ARGUMENTS: Final = re.compile(r"(?i)^\s*CMD\s*\[(.*)\](?:\s|$)")


_STARTS: Final = re.compile(r"(?i)^\s*(?:ENTRYPOINT|CMD)\s")
_SERVES: Final = re.compile(r"\b(?:gunicorn|uwsgi|waitress|hypercorn|uvicorn|granian)\b")
_LISTENS: Final = "the development server listens on every address"


def detect(app: App) -> Iterator[Hit]:
    """``run`` on every address or with an adhoc certificate; ``flask run`` in what starts the container, or for everybody in a script."""
    facts = source_of(app)
    for call in facts.calls("*.run"):
        if _runs_flask(app, call) and not _is_for_tests(call) and not is_served_otherwise(facts, call):
            yield from _judged(app, call)
    for call in facts.calls(*_SIMPLE):
        yield from _judged(app, call)
    for file in (
        one
        for one in facts.files_of("dockerfile", "compose", "procfile", "shell", "deployment")
        if not (one.kind == "compose" and OF_A_PIPELINE.search(one.path))
    ):
        for number, line in enumerate(_with_entry(file), 1):
            if (
                _COMMAND.search(line)
                and (file.kind != "shell" or _ON_EVERY_ADDRESS.search(line) or _starts_container(facts, file))
                and not line.lstrip().startswith("#")
                and not _is_for_one_desk(file)
                and not (file.kind == "dockerfile" and is_of_a_desk_alone(file, number))
            ):
                span = Span(file.path, number, number, 1, len(line) + 1)
                started = "service" if file.kind == "deployment" else "container"
                message = f"the {started} is started with the development server"
                if file.kind == "compose" or "--reload" in line:
                    message = f"{message}: look whether this starts more than one's own desk"
                    yield Hit(message, span, certainty="possible", severity="low")
                else:
                    yield Hit(message, span)


_FOLDER_OF_ONE_DESK: Final = re.compile(r"(?i)(?:^|/)docker/(?:dev|devel|development|local)/")


def _is_for_one_desk(file: TextFile) -> bool:
    """``Dockerfile.dev``, ``docker/local/bin/start.sh``"""
    return bool(_FOR_ONE_DESK.search(PurePosixPath(file.path).name) or _FOLDER_OF_ONE_DESK.search(file.path))


def _starts_container(facts: SourceFacts, script: TextFile) -> bool:
    """``ENTRYPOINT ["./entrypoint.sh"]``: the script is what a container runs, and it knows no other server."""
    if any(_SERVES.search(line) for line in script.lines):
        return False
    name = PurePosixPath(script.path).name
    return any(
        name in line and _STARTS.match(line) is not None and not _FOR_ONE_DESK.search(PurePosixPath(file.path).name)
        for file in facts.files_of("dockerfile")
        for line in file.lines
    )


def _with_entry(file: TextFile) -> Iterator[str]:
    """The lines; what ``CMD`` says stands behind what ``ENTRYPOINT`` says, where both are lists."""
    entry = (
        next((found[1] for line in file.lines if (found := _ENTRY.match(line))), None)
        if file.kind == "dockerfile"
        else None
    )
    before = ""
    for line in file.lines:
        arguments = _ARGUMENTS.match(line) if entry is not None else None
        if file.kind == "deployment" and (found := _OF_CONTAINER.match(line)):
            if found[1] == "command":
                before = found[2]
            elif before:  # ``args`` of Kubernetes stand behind ``command``
                line, before = f"{before}, {found[2]}", ""
        yield f"{entry}, {arguments[1]}" if arguments is not None else line


def _is_for_tests(call: Call) -> bool:
    """``run_test_server.py``: a file that says that it starts the server of the tests."""
    return call.span is not None and _OF_TESTS.search(PurePosixPath(call.span.path).stem) is not None


def _runs_flask(app: App, call: Call) -> bool:
    facts = source_of(app)
    owner = call.callee.rpartition(".")[0]
    if call.callee in _RUN or any(found.name == owner for found in facts.classes("flask.Flask")):
        return True
    if not facts.imports("flask") or call.receiver is None:
        return False
    called = call.receiver.name
    if isinstance(call.receiver, Call):
        called = call.receiver.method
    elif isinstance(call.receiver, Name):
        called = call.receiver.dotted.rpartition(".")[2]
    return bool(_APP.fullmatch(called) or _APP.fullmatch(call.receiver.name))


def _has_own_server(app: App, call: Call) -> bool:
    """Flask-SocketIO starts eventlet's or gevent's server where one of them is there, and Werkzeug's where none is."""
    facts = source_of(app)
    if call.callee != "flask_socketio.SocketIO.run":
        return False
    modes = [text_of(one.keyword("async_mode")) for one in facts.calls("flask_socketio.SocketIO")]
    return facts.imports("eventlet", "gevent") or any(
        name in ("eventlet", "gevent") for name in (*app.dependencies, *modes)
    )


def _judged(app: App, call: Call) -> Iterator[Hit]:
    facts = source_of(app)
    if _has_own_server(app, call):
        return
    if is_constant(call.keyword("ssl_context"), "adhoc"):
        yield Hit("the development server runs with a certificate that it made up", call.span, certainty="certain")
        return
    host = call.argument(1 if call.callee == "flask_socketio.SocketIO.run" else 0, "host", "hostname")
    if any(value in _EVERYBODY for one in _said(facts, host) for value in plain(facts, one)):
        by_hand = is_run_by_hand(facts, call) and not _is_deployed(facts, call)
        yield Hit(
            f"{_LISTENS}: look whether what ships starts this file" if by_hand else _LISTENS,
            call.span,
            certainty="possible" if by_hand else None,
            severity="low" if by_hand else None,
        )


def _is_deployed(facts: SourceFacts, call: Call) -> bool:
    """That what builds or starts the service (a Dockerfile, a Procfile, a compose file, a script) runs the file in which the call stands."""
    name = PurePosixPath(call.span.path).name if call.span is not None else ""
    started = re.compile(
        rf"\bpython[\d.]*\b.*\b{re.escape(name)}\b|\bpython[\d.]*\b.*-m[\", ]+[\w.]*\b{re.escape(name.removesuffix('.py'))}\b"
    )
    files = facts.files_of("dockerfile", "compose", "procfile", "deployment", "shell")
    return bool(name) and any(started.search(line) for file in files for line in file.lines)


def _said(facts: SourceFacts, host: Value | None) -> Iterator[Value]:
    """The address; of a parameter what callers pass, its default or that of its option, and of an argument of the command line its default."""
    if host is None:
        return
    yield host
    word, owner = "", ""
    if isinstance(host, Parameter):
        yield from given(facts, host)
        word, owner = host.parameter, host.function
    elif isinstance(host, Member) and isinstance(host.owner, Call) and host.owner.method == "parse_args":
        word = host.attribute
    if not word:
        return
    options = list(facts.calls("*.add_argument")) if not owner else []
    function = facts.function(owner) if owner else None
    options += [one.call for one in function.decorators if one.call is not None] if function is not None else []
    for option in options:
        named = [text.lstrip("-").replace("-", "_") for text in map(text_of, option.args) if text is not None]
        if word in named and (default := option.keyword("default")) is not None:
            yield default


def probe(target: Target) -> Steps[Verdict]:
    """Look at the Server header."""
    if is_loopback(target.base_url):
        return not_applicable("on the loopback a development server is in its place")
    for route, method in list(candidates(target))[:2]:
        exchange = yield from attempt(send(target.request_for(route, method)))
        if exchange is None or exchange.response.error:
            continue
        server = exchange.response.header("Server") or ""
        if re.search(r"(?i)werkzeug|wsgiserver/|simplehttp", server):
            ref = RouteRef(method, route.path)
            return failed(
                f"{ref} is answered by {server}", (ref,), (Evidence("exchange", f"Server: {server}", exchange),)
            )
        return passed("the Server header names no development server")
    return unsure("no route answered")


def fix(app: App, hit: Hit) -> Edit | None:
    """The loopback in place of a literal address."""
    facts = source_of(app)
    for call in (*facts.calls("*.run"), *facts.calls(*_SIMPLE)):
        host = call.argument(0, "host", "hostname")
        if (
            call.span == hit.span
            and isinstance(host, Constant)
            and host.span is not None
            and call.span is not None
            and call.span.holds(host.span)
        ):
            return Edit(host.span, '"127.0.0.1"', safe=False)
    return None


RULE = Rule(
    slug="development-server-in-production",
    family="transport",
    title="The development server runs in production",
    harm=__doc__ or "",
    severity="high",
    check="transport",
    cwe=(489,),
    owasp="API8:2023",
    asvs=("V13.4.2",),
    surfaces=(
        "source",
        "http",
        "https",
    ),
    ends="`stopper serve` runs the auth service on a production server.",
    certainty="likely",
    detect=detect,
    probe=probe,
    fix=fix,
)
