"""A caller runs code of their own on the server."""

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from stopper.core.answers.interpreters import ANYWHERE, RUNS, chosen, formats, in_memory, named
from stopper.core.answers.loaded_uploads import loaded_uploads
from stopper.core.app import App
from stopper.core.edits.call_edits import calls_at
from stopper.core.exchange import Request
from stopper.core.fact import Flow
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.checked_input import is_checked_by_callers, is_each_checked
from stopper.core.flow.equal_to_literals import is_literal_there
from stopper.core.labels import UNTRUSTED_TEXT
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, send
from stopper.core.probing.baseline import beyond
from stopper.core.probing.inputs import Input, judged
from stopper.core.probing.likely_inputs import RUN
from stopper.core.probing.nowhere import NOWHERE, is_nowhere, nowhere
from stopper.core.probing.packed_cookies import unpacked_cookies
from stopper.core.probing.payloads import LEFT, OF_A_PROGRAM, PRODUCT, RIGHT, payloads
from stopper.core.probing.raw_bodies import OBJECTS, bare_bodies
from stopper.core.probing.uploads import takers
from stopper.core.probing.waiting import (
    COMMANDS,
    EVALUATES,
    TOOLS,
    UNPACKS,
    ends_as_told,
    may_run_a_program,
    waits_as_code,
    waits_as_told,
    waits_by_its_name,
    waits_unpacked,
)
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.stores.stored_columns import stored_in
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Format,
    Item,
    Name,
    Sequence,
    Unknown,
    Value,
    is_constant,
    text_of,
)

_KINDS: Final = tuple(UNTRUSTED_TEXT)
_SHELL_TOOLS: Final = frozenset({"sh", "bash", "/bin/sh", "/bin/bash", "cmd", "cmd.exe", "powershell", "python", "python3"})  # fmt: skip
_WORDS: Final = {
    "code": "text from the request is run as code or as a template",
    "subprocess": "text from the request becomes part of a command",
    "deserialisation": "bytes from the request are unpacked into objects of any kind, which runs code",
}


def detect(app: App) -> Iterator[Hit]:
    """What a caller sent reaches an interpreter: Python, a template engine, a shell, a loader of objects."""
    facts = source_of(app)
    for flow in facts.flows("code", "subprocess", "deserialisation", label=_KINDS):
        held = _is_checked(facts, flow.value, flow.function)
        if _is_harmful(facts, flow) and not held and not is_literal_there(facts, flow.value, flow.function, flow.span):
            yield Hit(_WORDS[flow.sink], flow.span)
    for flow in facts.flows("code", "subprocess", "deserialisation"):
        if any(label.kind in _KINDS for label in flow.labels) or _is_checked(facts, flow.value, flow.function):
            continue
        kept = stored_in(facts, flow.value) if _is_harmful(facts, flow) else None
        if kept is not None:
            said = f"what somebody has sent and the column `{kept[0].name}` keeps reaches something that runs it"
            yield Hit(said, flow.span, certainty="likely")
    imported = set[str]()
    for call in facts.calls_matching(RUNS):
        several = call.args if ANYWHERE.fullmatch(call.callee) else ()
        given = next((one for one in several if facts.derives(one, *_KINDS)), None)
        given = given or call.argument(0, "cmd", "name", "template", "source", "text", "command", "expr", "stmt", "s")
        if given is None or not facts.derives(given, *_KINDS) or _is_checked(facts, given, call.function):
            continue
        safe = call.callee == "numpy.load" and not is_constant(call.keyword("allow_pickle"), True)
        if safe or (call.method == "from_string" and _is_sandboxed(facts, call.receiver)):
            continue
        if call.callee in ("importlib.import_module", "__import__") and call.function:
            if call.function in imported:  # a module, and what it names in itself: one list of modules ends both
                continue
            imported.add(call.function)
        if call.method != "from_string" or _ENGINE.search(f"{call.callee} {_said(call.receiver)}"):
            yield Hit("text from the request reaches something that runs it", call.span)
    for call, given in chosen(facts):
        if facts.derives(given, *_KINDS):
            yield Hit("text from the request reaches something that runs it", call.span)
    for call, given in (*named(facts), *in_memory(facts)):
        if facts.derives(given, *_KINDS) and not _is_checked(facts, given, call.function):
            yield Hit("text from the request reaches something that runs it", call.span)
    for call, given in formats(facts):
        if facts.derives(given, *_KINDS, by_name=False) and not _is_checked(facts, given, call.function):
            said = "the caller writes the format, which reads whatever lies behind an object that is put into it"
            yield Hit(said, call.span, severity="high")
    for call in loaded_uploads(facts):
        if not (
            call.method in ("load", "load_all") and call.callee.startswith("yaml.") and _is_safe_loader(facts, call)
        ):
            yield Hit(_WORDS["deserialisation"], call.span)


def _is_checked(facts: SourceFacts, value: Value, function: str) -> bool:
    """Held against something here, or by whoever calls this function with what a caller sent."""
    return is_each_checked(facts, value, function, *_KINDS) or is_checked_by_callers(facts, value, function, *_KINDS)


def _is_sandboxed(facts: SourceFacts, engine: Value | None) -> bool:
    """Jinja's sandbox keeps a template from what lies behind the values it is given."""
    if not isinstance(engine, Call):
        return False
    made = facts.returns_of(engine.callee)
    return "SandboxedEnvironment" in engine.callee or (
        bool(made) and all(isinstance(one.value, Call) and "SandboxedEnvironment" in one.value.callee for one in made)
    )


_ENGINE: Final = re.compile(r"(?i)env(?:ironment)?(?![a-z])")
"""What an engine of templates is called; a class of the same sound, as ``Envelope``, makes something else of a text."""


def _said(value: Value | None) -> str:
    return (
        ""
        if value is None
        else f"{value.name} {getattr(value, 'dotted', '')} {getattr(value, 'callee', '')} {getattr(value, 'attribute', '')}".lower()
    )


def _is_harmful(facts: SourceFacts, flow: Flow) -> bool:
    call = next((call for call in facts.calls(flow.detail) if call.span == flow.span), None)
    if call is None:
        return True
    if flow.sink == "deserialisation":
        return not (call.callee == "yaml.load" and _is_safe_loader(facts, call))
    if flow.sink == "subprocess":
        return _reaches_a_shell(facts, call, flow.value)
    return True


_SAFE_LOADERS: Final = frozenset({"SafeLoader", "CSafeLoader", "BaseLoader", "CBaseLoader"})


def _is_safe_loader(facts: SourceFacts, call: Call, depth: int = 3) -> bool:
    """PyYAML's loaders that make no objects, and the project's that derive from one."""
    loader = call.argument(1, "Loader")
    names: list[str] = [loader.dotted] if isinstance(loader, Name) else []
    for _ in range(depth):
        if any(name.rpartition(".")[2] in _SAFE_LOADERS for name in names):
            return True
        names = [base for name in names if (own := classes_by_name(facts).get(name)) is not None for base in own.bases]
    return False


def _reaches_a_shell(facts: SourceFacts, call: Call, value: Value) -> bool:
    """A list is one program with its arguments, unless a shell stands first, the caller names it, or ``shell=True`` is said."""
    if is_constant(call.keyword("shell"), True, 1) or call.callee in ("os.system", "os.popen", "subprocess.getoutput"):
        return True
    while isinstance(value, Item) and isinstance(value.owner, Sequence) and value.owner.items:
        value = value.owner.items[0]  # one of a list, whichever
    if isinstance(value, Call) and (made := facts.function(value.callee)) is not None and made.returns:
        return any(_reaches_a_shell(facts, call, one) for one in made.returns if not is_constant(one, None))
    if isinstance(value, Unknown) and value.parts and isinstance(value.parts[0], Sequence):
        value = value.parts[0]  # ``["tool", "--host", host] + arguments``
    if isinstance(value, Choice) and all(isinstance(one, Sequence) for one in value.options):
        return any(_reaches_a_shell(facts, call, one) for one in value.options)  # a list that was added to in branches
    if isinstance(value, Sequence) and value.items:
        first = text_of(value.items[0])
        if first is None:
            return facts.derives(_begun_with(value.items[0]), *_KINDS)
        script = any(text_of(item) in ("-c", "/c", "-Command") for item in value.items[1:])
        return first in _SHELL_TOOLS and script
    if isinstance(value, Call) and value.callee == "shlex.split":
        return not _starts_with_text(value.argument(0))
    return not _starts_with_text(value)


def _begun_with(value: Value) -> Value:
    """The text that ``part.replace("%in", name)`` fills in."""
    while isinstance(value, Call) and value.method in ("replace", "format", "strip") and value.receiver is not None:
        value = value.receiver
    return value


def _starts_with_text(value: Value | None) -> bool:
    """The program is fixed, and without a shell the rest is no command of its own."""
    return isinstance(value, Format) and bool(value.parts) and isinstance(value.parts[0], Constant)


# -- on the wire -----------------------------------------------------------------------------------------------------------------

_A_SUM: Final = f"{LEFT}*{RIGHT}".encode(), f"{LEFT}_{RIGHT}".encode()  # for a body that is run as it came
_BYTES: Final = "application/octet-stream"


def probe(target: Target) -> Steps[Verdict]:
    """A sum in the language of a template, a shell and Python is sent where text is expected; its result proves that it was run. So is a
    sum that objects are unpacked by, where a name or an empty body takes one, and a path that is not there."""
    verdict = yield from judged(
        target, _tried, lambda one: f"runs what {one.name} says", "inputs run nothing of what they are sent", likely=RUN
    )
    places: list[RouteRef] = list(verdict.routes)
    evidence: list[Evidence] = list(verdict.evidence)
    said = verdict.message if verdict.outcome == "fail" else ""
    for request, ref in bare_bodies(target):
        if ref in places:
            continue
        for sent, harmless in (*unpacked(), _A_SUM):
            both = replace(request, body=sent), replace(request, body=harmless)
            found = yield from beyond(_worked_out(*both, PRODUCT), places)
            if found:
                places.append(ref)
                evidence.extend(found)
                said = said or f"{ref} runs what its body holds"
                break
        else:
            if found := (yield from beyond(waits_unpacked(partial(_bodied, request)), places)):
                places.append(ref)
                evidence.extend(found)
                said = said or f"{ref} unpacks its body into objects that run code"
    for taker in takers(target) if target.mode == "active" else ():
        for sent, harmless in unpacked():
            one, other = (taker.given(target, text, "data.bin", _BYTES) for text in (sent, harmless))
            found = yield from beyond(_worked_out(one, other, PRODUCT), places)
            if found:
                places.append(taker.ref)
                evidence.extend(found)
                said = said or f"{taker.ref} unpacks an uploaded file into objects that run code"
                break
        else:
            if found := (yield from beyond(waits_by_its_name(partial(taker.called, target)), places)):
                places.append(taker.ref)
                evidence.extend(found)
                said = said or f"{taker.ref} makes a command of the name of an uploaded file"
    cookies = yield from beyond(unpacked_cookies(target), places)
    if cookies is not None and cookies[0]:
        places.extend(ref for ref in cookies[0] if ref not in places)
        evidence.extend(cookies[1])
        said = said or f"{cookies[0][0]} unpacks a cookie into objects that run code"
    if nowhere := (yield from beyond(_nowhere(target), places)):
        places.append(NOWHERE)
        evidence.extend(nowhere)
        said = said or "the page of a path that is not there runs what the path says"
    return failed(said, places, evidence) if places else verdict


def _nowhere(target: Target) -> Steps[list[Evidence]]:
    """The page for what is not there often shows the path or the whole address, and where it is a template put together it runs it."""
    word = f"{target.canary}-none"
    sum_of = f"{LEFT}*{RIGHT}"
    plain = yield from send(nowhere(target))
    if word not in plain.response.text:
        return []
    found = yield from _worked_out(
        nowhere(target, "{{" + sum_of + "}}"),
        nowhere(target, "[[" + sum_of + "]]"),
        word + PRODUCT,
    )
    if found or "://" not in plain.response.text:
        return found
    # The path is written with percent signs in an address; the name of the host stands in it as it came.
    return (
        yield from _worked_out(
            Request("GET", f"/{word}", (("Host", f"{{{{{sum_of}}}}}"),)),
            Request("GET", f"/{word}", (("Host", f"x{LEFT}.{RIGHT}"),)),
            f"//{PRODUCT}/{word}",
        )
    )


def _tried(target: Target, one: Input) -> Steps[list[Evidence]]:
    *all_of, nameless = payloads(target.canary)
    usual = all_of if target.depth == "deep" else all_of[:2]
    for sent, harmless, telling in [*usual, nameless] if _EXPRESSIONS.search(one.name) else usual:
        found = yield from _worked_out(one.given(sent), one.given(harmless), telling)
        if found and (answer := found[-1].exchange) is not None:
            return [] if (yield from is_nowhere(target, one, sent, answer, telling)) else found
    if TOOLS.search(one.route.path) or COMMANDS.search(one.name):
        ran, other = OF_A_PROGRAM
        if found := (yield from _worked_out(one.given(ran), one.given(other), PRODUCT)):
            return found
    if COMMANDS.search(one.name) and (seen := (yield from ends_as_told(target, one))):
        return seen
    if may_run_a_program(one) and (waited := (yield from waits_as_told(target, one))):
        return waited
    if (EVALUATES.search(one.name) or EVALUATES.search(one.route.path)) and (waited := (yield from waits_as_code(one))):
        return waited
    if OBJECTS.search(one.name) or UNPACKS.search(one.route.path):
        for raw, plain in unpacked():
            packed = [(base64.b64encode(text).decode() for text in (raw, plain))] if raw.startswith(b"c") else []
            for text, other in (*packed, (raw.decode(), plain.decode())):
                found = yield from _worked_out(one.given(text), one.given(other), PRODUCT)
                if found:
                    return found
        waited = yield from waits_unpacked(partial(_packed, one))
        return waited or (yield from waits_unpacked(one.given))
    return []


def _packed(one: Input, text: str) -> Request:
    return one.given(text if text.startswith(("!", "[")) else base64.b64encode(text.encode()).decode())


def _bodied(request: Request, text: str) -> Request:
    return replace(request, body=text.encode())


_EXPRESSIONS: Final = re.compile(r"(?i)expr|formula|calc|equation|condition|eval|script|rule|math")


def unpacked() -> tuple[tuple[bytes, bytes], ...]:
    """An object as pickle and as YAML that is a product once it is unpacked, and its likeness that holds both numbers alone."""
    return (
        (
            f"coperator\nmul\n(I{LEFT}\nI{RIGHT}\ntR.".encode(),
            f"(I{LEFT}\nI{RIGHT}\nt.".encode(),
        ),
        (
            # A class, which the half-safe loader of PyYAML 5.1 to 5.3 calls as well: the number is written with another base.
            f"!!python/object/apply:builtins.int ['{int(PRODUCT):x}', 16]".encode(),
            f"['{int(PRODUCT):x}', 16]".encode(),
        ),
    )


def _worked_out(sent: Request, harmless: Request, telling: str) -> Steps[list[Evidence]]:
    answer = yield from send(sent)
    if telling not in answer.response.text:
        return []
    control = yield from send(harmless)
    if telling in control.response.text:
        return []
    return [
        Evidence("exchange", "control: the same signs without a meaning are not worked out", control),
        Evidence("exchange", "the sum in the text is worked out", answer),
    ]


_LITERALS: Final = frozenset({"eval", "builtins.eval"})
_YAML: Final = re.compile(r"yaml\.(?:unsafe_load|full_load|unsafe_load_all|full_load_all)")


def fix(app: App, hit: Hit) -> Edit | None:
    """Literals alone in place of ``eval``, PyYAML's safe loader in place of the others; a command, a template or a pickle is left to a person."""
    for call in calls_at(source_of(app), hit.span):
        if call.span is None:
            continue
        if call.callee in _LITERALS and len(call.args) == 1 and not call.keywords:
            return Edit(call.span, "ast.literal_eval", safe=False, imports=("ast",), how="function")
        if call.callee == "yaml.load":
            if call.open or len(call.args) != 1:
                return None
            return Edit(call.span, "", safe=False, imports=("yaml",), arguments=(("Loader", "yaml.SafeLoader"),))
        if _YAML.fullmatch(call.callee):
            text = "yaml.safe_load_all" if call.callee.endswith("_all") else "yaml.safe_load"
            return Edit(call.span, text, safe=False, imports=("yaml",), how="function")
    return None


RULE = Rule(
    slug="code-injection",
    family="injection",
    title="Request data is run as code",
    harm=__doc__ or "",
    severity="critical",
    check="input-validation",
    cwe=(94,),
    owasp="API8:2023",
    asvs=("V1.3.2",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` reads credentials as plain text and never evaluates or unpickles them.",
    detect=detect,
    fix=fix,
    probe=probe,
)
