"""Whoever asks gets the keys, the source or the whole history of the application."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from stopper.core.answers.entity_parsers import opened_entities
from stopper.core.answers.files_by_path import (
    fails_outside,
    holds_no_slash,
    names_new_file,
    read_by_path,
    refuses_parents,
    sent_parts,
)
from stopper.core.answers.own_folders import is_of_root, is_own_text, is_root, made_whole, newest, packed
from stopper.core.app import App
from stopper.core.deployment.proxy_roots import served_projects
from stopper.core.exchange import Request, Response
from stopper.core.fact import Flow
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.checked_input import is_checked, is_checked_by_callers
from stopper.core.flow.held_attributes import held_under
from stopper.core.flow.labelling import labels_of
from stopper.core.flow.nested_functions import around
from stopper.core.flow.parts_given_out import OWN_FILE, given_out, is_own_file, is_read_from_own_file
from stopper.core.flow.passing import given
from stopper.core.flow.steps_back import begins_like_others
from stopper.core.flow.written_alike import written_alike
from stopper.core.labels import Label
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, passed, send, unsure
from stopper.core.probing.baseline import attempt, beyond
from stopper.core.probing.inputs import Input, inputs
from stopper.core.probing.raw_bodies import XML, bare_bodies
from stopper.core.probing.xml import KERNEL, by_entity
from stopper.core.rule import Hit, Rule
from stopper.core.values import Call, Constant, Format, Mapping, Member, Parameter, Unknown, Value, text_of, walk

_SERVED: Final = "the folder of the project is served as static files"
_UPWARDS: Final = "../" * 12
_TWICE: Final = "....//" * 12
"""Leads upwards where ``../`` is taken out once."""
_KERNEL_64: Final = "TGludXggdmVyc2lvbi"
"""``Linux version`` in base64, as pages have pictures."""
_NAMES_A_FILE: Final = re.compile(
    r"(?i)file|path|^(page|doc|document|template|name|image|log|report|attachment|download)$"
)
"""Inputs to which a path from the root is sent too: ``os.path.join`` takes it alone, and a folder that is not there holds it up no more."""
_ENV_LINE: Final = re.compile(r"^(?:export )?[A-Z][A-Z0-9_]{2,60}=", re.MULTILINE)


def _is_env(response: Response) -> bool:
    text = response.text
    return (
        "<html" not in text.lower() and len(_ENV_LINE.findall(text)) >= 1 and not text.lstrip().startswith(("{", "["))
    )


def _is_head(response: Response) -> bool:
    return re.match(r"ref: refs/[\w./-]+\s*$|[0-9a-f]{40}\s*$", response.text) is not None


def _is_git_config(response: Response) -> bool:
    return response.text.lstrip().startswith("[core]") and "repositoryformatversion" in response.text


def _is_python(response: Response) -> bool:
    return re.search(
        r"(?m)^(?:from flask import|import flask|SECRET_KEY\s*=|app\s*=\s*Flask\()", response.text
    ) is not None and ("<html" not in response.text.lower()[:200])


def _is_sqlite(response: Response) -> bool:
    return response.body.startswith(b"SQLite format 3\x00")


def _is_dump(response: Response) -> bool:
    return re.search(r"(?im)^(?:-- (?:MySQL|PostgreSQL|SQLite)|CREATE TABLE |INSERT INTO )", response.text) is not None


FILES: Final[tuple[tuple[str, Callable[[Response], bool]], ...]] = (
    ("/.env", _is_env),
    ("/.git/HEAD", _is_head),
    ("/.git/config", _is_git_config),
    ("/app.py", _is_python),
    ("/config.py", _is_python),
    ("/instance/config.py", _is_python),
    ("/app.py.bak", _is_python),
    ("/static/../.env", _is_env),
    ("/backup.sql", _is_dump),
    ("/app.db", _is_sqlite),
)
"""What is asked for, and what the content must be to count."""


def detect(app: App) -> Iterator[Hit]:
    """A static folder, or a folder out of which the caller names a file, that is the project itself; a file of it; any file that the
    caller names."""
    facts = source_of(app)
    for call in facts.calls("flask.Flask", "flask.Blueprint"):
        folder = call.argument(2 if call.callee.endswith("Flask") else None, "static_folder")
        if any(map(is_root, _folders(facts, folder))):
            yield Hit(_SERVED, call.span)
    for call in facts.calls("flask.send_from_directory", "werkzeug.utils.send_from_directory"):
        folder, name = call.argument(0, "directory"), call.argument(1, "path", "filename")
        if name is not None and any(map(is_root, _folders(facts, folder))) and _is_named_by_caller(facts, name):
            yield Hit("files of the project are served by a name that the caller chooses", call.span)
        elif call.function and OWN_FILE.search(text_of(name) or ""):
            yield Hit("a log, a database or a key is given out", call.span, certainty="likely")
    for call in facts.calls("flask.send_file"):
        told = (_given_out(facts, call, path) for path in _held(facts, call.argument(0, "path_or_file")))
        yield from [hit for hit in told if hit is not None][:1]
    for one in facts.assignments():
        if one.attribute in ("static_folder", "_static_folder") and is_root(one.value):
            yield Hit(_SERVED, one.span)
    yield from _by_name(facts)
    for call in opened_entities(facts):
        yield Hit("the caller's XML names files, and the parser opens them", call.span)
    yield from _by_middleware(facts)
    yield from (Hit(_SERVED, place, certainty="likely") for place in served_projects(facts))
    for flow in facts.flows("response"):
        if flow.function and any(map(is_read_from_own_file, given_out(flow.value))):
            yield Hit("a log, a database or the program itself is given out", flow.span, certainty="likely")
    opened = [(call, path) for call in facts.calls("open") if (path := call.argument(0, "file")) is not None]
    for call, path in (*opened, *read_by_path(facts)):
        if (
            is_of_root(path)
            and facts.is_view(call.function)
            and not _writes(facts, call.span)
            and any(isinstance(one, Parameter) and one.function == call.function for one in walk(path, 4))
        ):
            yield Hit("files of the project are served by a name that the caller chooses", call.span)


def _held(facts: SourceFacts, path: Value | None) -> tuple[Value | None, ...]:
    """The path; where an object holds it, what that was made with."""
    held = held_under(facts, path.owner, path.attribute) if isinstance(path, Member) else ()
    return (path, *(one for one, _ in held))


def _given_out(facts: SourceFacts, call: Call, path: Value | None) -> Hit | None:
    """What ``send_file(path)`` gives away that is the project's own."""
    if isinstance(path, Call) and is_of_root(path):
        return Hit("files of the project are served by a name that the caller chooses", call.span)
    if not call.function:
        return None
    if is_own_file(path) or (isinstance(path, (Unknown, Call)) and is_own_text(path)):
        return Hit("a file of the project itself is given out", call.span, certainty="likely")
    if any(OWN_FILE.search(text_of(one) or "") for one in (*facts.followed(path), *made_whole(path), *newest(path))):
        return Hit("a log, a database or a key is given out", call.span, certainty="likely")
    if isinstance(path, Call) and any(map(is_root, packed(path))):
        return Hit("an archive of the project's own folder is given out", call.span, certainty="likely")
    return None


def _folders(facts: SourceFacts, folder: Value | None) -> tuple[Value, ...]:
    """The folder; where whoever makes an object names it, each that is named, or its default."""
    if isinstance(folder, Parameter):
        return given(facts, folder)
    return () if folder is None else (folder,)


def _by_middleware(facts: SourceFacts) -> Iterator[Hit]:
    """``WhiteNoise(app, root=".")``, ``SharedDataMiddleware(app, {"/assets": HERE})``."""
    for call in facts.calls(
        "whitenoise.WhiteNoise", "whitenoise.base.WhiteNoise", "*.SharedDataMiddleware", "*.add_files", "*.AutoIndex"
    ):
        given = call.argument(0 if call.method == "add_files" else 1, "root", "exports", "browse_root")
        folders = [held for _, held in given.items] if isinstance(given, Mapping) else [given]
        if any(one is not None and is_root(one) for one in folders):
            yield Hit(_SERVED, call.span)


def _is_named_by_caller(facts: SourceFacts, name: Value) -> bool:
    """That a part of the name is the caller's, its ending too: what must end in ``.pdf`` is no file of the project."""
    made = [one.value for one in facts.returns_of(name.callee)] if isinstance(name, Call) else [name]
    if made and all(isinstance(one, Format) and one.parts and isinstance(one.parts[-1], Constant) for one in made):
        return False
    return facts.derives(name, "request-data", "path-parameter", "query-string", "cookie")


def _is_hashed(facts: SourceFacts, path: Value, depth: int = 3) -> bool:
    """What the caller sent is only the beginning of a digest, which leads nowhere; of a parameter that all who call pass one."""
    if isinstance(path, Parameter) and depth:
        passed = given(facts, path)
        return bool(passed) and all(one is not path and _is_hashed(facts, one, depth - 1) for one in passed)
    return any(isinstance(part, Call) and part.method == "hexdigest" for part in walk(path, 8))


_NAMED: Final = ("query-string", "request-data", "cookie", "request-header")
_ANY: Final = "the caller names the file that is read, and nothing keeps the name in one folder"

_BESIDE: Final = "the path is only held against the beginning of a folder's name, which folders beside it share"


def _by_name(facts: SourceFacts) -> Iterator[Hit]:
    """``open(request.args["file"])``, ``send_file(…)`` and ``Path(…).read_text()`` of such a name: ``..`` and ``/`` in it lead anywhere."""
    for flow in facts.flows("file-path", label=_NAMED):
        if (
            flow.detail in ("open", "flask.send_file")
            and not _writes(facts, flow.span)
            and not _was_just_saved(facts, flow)
            and not (_is_one_segment(facts, flow.labels))
        ):
            yield from _where_it_leads(facts, flow.value, flow.function, flow.span)
    for call, path in read_by_path(facts):
        labels = labels_of(facts, path, numbers=True)
        named = any(one.kind in _NAMED for one in labels) and not _is_one_segment(facts, labels)
        if named and call.span is not None:
            yield from _where_it_leads(facts, path, call.function, call.span)


def _where_it_leads(facts: SourceFacts, path: Value, function: str, at: Span) -> Iterator[Hit]:
    if _leads_anywhere(facts, path, function, at):
        yield Hit(_ANY, at)
    elif begins_like_others(facts, path, function, at):
        yield Hit(_BESIDE, at, severity="low", certainty="likely")


def _leads_anywhere(facts: SourceFacts, path: Value, function: str, at: Span | None) -> bool:
    homes = around(facts, function)
    if _is_hashed(facts, path) or holds_no_slash(facts, path) or names_new_file(facts, path):
        return False
    if any(refuses_parents(facts, path, one, at) or fails_outside(facts, path, one, at) for one in homes):
        return False
    return not all(
        any(
            is_checked(facts, part, one, prefix_counts=True)
            or is_checked_by_callers(facts, part, one, *_NAMED, prefix_counts=True)
            for one in homes
        )
        for part in sent_parts(facts, path) or [path]
    )


def _writes(facts: SourceFacts, span: Span | None) -> bool:
    return any(
        call.span == span and isinstance(mode, Constant) and str(mode.value)[:1] in "wax"
        for call in facts.calls("open")
        if (mode := call.argument(1, "mode")) is not None
    )


def _was_just_saved(facts: SourceFacts, flow: Flow) -> bool:
    """``upload.save(path)`` or ``open(path, "w")`` stands before ``open(path)``: what is read is what was just written."""
    return any(
        call.span is not None and call.span < flow.span and call.args and written_alike(call.args[0], flow.value)
        for call in facts.calls_in(flow.function)
        if call.method == "save" or (call.callee == "open" and _writes(facts, call.span))
    )


def _is_one_segment(facts: SourceFacts, labels: Iterable[Label]) -> bool:
    """That all of it comes from parts of the path that hold no slash."""
    named = {label.source for label in labels if label.kind == "path-parameter"}
    others = any(label.kind in ("query-string", "cookie") for label in labels)
    typed = {name: kind for route in facts.routes for name, kind in route.parameters}
    return bool(named) and not others and all(typed.get(name) != "path" for name in named)


def probe(target: Target) -> Steps[Verdict]:
    """Ask for a few files of the project and judge what comes by its content; an address that cannot exist is the control."""
    control = yield from send(Request("GET", f"/stopper-{target.canary}.txt"))
    if control.response.error:
        return unsure("the server does not answer")
    places: list[RouteRef] = []
    evidence = [Evidence("exchange", "control: a file that does not exist", control)]
    for path, is_real in FILES:
        answer = yield from attempt(send(Request("GET", path)))
        if answer is None or not answer.response.succeeded or not answer.response.body:
            continue
        if is_real(answer.response) and not is_real(control.response):
            places.append(RouteRef("GET", path))
            evidence.append(Evidence("exchange", f"{path} is served", answer))
    told = f"{places[0].path} is served to whoever asks" if places else ""
    named = yield from beyond(_named_files(target), places)
    if named is not None and named[0]:
        refs, shown, how = named
        told = f"{told}; {how}" if told else how
        return failed(told, [*places, *refs], [*(evidence if places else ()), *shown])
    if places:
        return failed(told, places, evidence)
    return passed("none of the usual files of a project is served, and no input names one")


_NO_FILE: Final = re.compile(
    r"(?i)(^|[._])(title|message|prompt|question|comment|description|bio|e?_?mail|phone|price|amount|quantity|token|stars|rating|status|role|plan|weight|street|city|"
    r"country|date|born|birth\w*|limit|max_\w+|handle|kind|username|password|first_?name|last_?name|priority|balance)$"
)
"""Members of a body that hold words or numbers and name no file."""
SHOWN: Final = 4
"""Inputs whose exchanges are kept; the others are named."""


def _named_files(target: Target) -> Steps[tuple[list[RouteRef], list[Evidence], str]]:
    """The routes that open a file which an input names, by its path or by an entity of XML."""
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    said = ""
    for one in (yield from inputs(target)):
        if one.ref in places:
            continue
        words = one.place == "body" and _NO_FILE.search(one.name) is not None
        read = (yield from beyond(_read(target, one), places)) if not words else []
        how = "opens the file that {} names"
        if not read and XML.search(one.name):
            read = yield from beyond(by_entity(target, one.given), places)
            how = "reads the file that an entity of XML in {} names"
        if read:
            places.append(one.ref)
            evidence.extend(read if len(places) <= SHOWN else ())
            said = said or f"{one.ref} {how.format(one.name)}"
    for request, ref in bare_bodies(target, "application/xml"):
        read = yield from beyond(by_entity(target, partial(_whole, request)), places)
        if read:
            places.append(ref)
            evidence.extend(read if len(places) <= SHOWN else ())
            said = said or f"{ref} reads the file that an entity of XML in its body names"
    return places, evidence, said


def _whole(request: Request, text: object) -> Request:
    return replace(request, body=str(text).encode())


def _read(target: Target, one: Input) -> Steps[list[Evidence]]:
    """The evidence that the input names a file of the server. Only names below ``/proc`` are sent: the view may open for writing what
    it is told, even on a GET, and there nobody, the superuser included, can empty a file or make one."""
    for upwards in (_UPWARDS, "/", _TWICE) if _NAMES_A_FILE.search(one.name) else (_UPWARDS,):
        answer = yield from send(one.given(f"{upwards}proc/version"))
        sent = _sent_empty(answer.response)
        if not _is_kernel(answer.response) and not sent:
            continue
        control = yield from send(one.given(f"{upwards}proc/{target.canary}"))
        if _is_kernel(control.response) or (sent and control.response.succeeded):
            continue
        return [
            Evidence("exchange", "control: a file that is not there", control),
            Evidence("exchange", "a file of the operating system is read", answer),
        ]
    return []


def _is_kernel(response: Response) -> bool:
    """That the file stands in the answer, as it is or in base64."""
    return KERNEL.search(response.text) is not None or _KERNEL_64 in response.text


def _sent_empty(response: Response) -> bool:
    """That a file is sent whose size is nothing: those below ``/proc`` have none, so ``send_file`` sends their name, their date and no more."""
    return response.status == 200 and not response.body and bool(response.header("Last-Modified"))


RULE = Rule(
    slug="sensitive-file-served",
    family="leak",
    title="Files of the project are served",
    harm="Whoever asks gets the keys, the source or the whole history of the application.",
    severity="critical",
    check="data-exposure",
    cwe=(538,),
    owasp="API8:2023",
    asvs=("V13.4.1",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` keeps `static` closed until a policy opens it.",
    detect=detect,
    probe=probe,
)
