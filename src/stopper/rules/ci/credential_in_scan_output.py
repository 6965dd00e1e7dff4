"""The report that is meant to find leaks is one: whoever reads it can act as the test's account."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.ci_steps import Step, steps_of
from stopper.core.deployment.switched_on import asked_for, is_on
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.passing import passed
from stopper.core.labels import CREDENTIALS
from stopper.core.outgoing.outbound_names import SESSION
from stopper.core.place import Span
from stopper.core.rule import Hit, Rule
from stopper.core.values import (
    Call,
    EnvironmentValue,
    Format,
    Member,
    Name,
    Parameter,
    Sequence,
    Value,
    is_constant,
    text_of,
    walk,
)

_SHOWS: Final = (
    (re.compile(r"\bcurl\b"), "|", re.compile(r"\s(?:-\w*v\w*|--verbose|--trace(?:-ascii)?)\b")),
    (re.compile(r"(?:^|[\s;&|])(?:https?|httpie)(?=\s)"), "\n", re.compile(r"\s(?:-v|--verbose|--print=\w*H)")),
    (re.compile(r"\bwget\b"), "\n", re.compile(r"\s(?:-d|--debug)\b")),
)
"""A tool, what ends its command, and what makes it say all."""
_CARRIES: Final = re.compile(
    r"(?i)authorization|x-api-key|api[_-]?key|--user\b|\s-u\s|cookie|\bsecrets\.\w|\$\{?\w*(?:TOKEN|SECRET|KEY|PASSWORD)"
)
_RECORDS: Final = re.compile(
    r"(?i)--(?:cassette-path|har|record|vcr-path|junit-xml-logging|dump)|zap[\w.-]*\s.*-[rJwx]\b|replacer\.full_list\(\d+\)\.replacement|nuclei\b.*(?:-debug|-irr|-include-rr|-store-resp)|newman\b.*--verbose|ffuf\b.*-debug|sqlmap\b.*-v\s*[3-6]"
)
_UNMASKED: Final = re.compile(r"(?i)--output-sanitize[= ]false|--sanitize-output[= ]false|--no-(?:mask|redact)\w*")
"""The scanner's own care is switched off."""
_MASKED: Final = re.compile(r"(?i)--(?:output-sanitize|sanitize-output)(?:[= ]true)?(?=\s|$)")
"""It is switched on, and covers what is recorded."""
_TOOL: Final = re.compile(
    r"(?i)\b(?:schemathesis|st\s+run|zap|nuclei|newman|ffuf|sqlmap|dastardly|akto|restler|wapiti|arjun|dredd|tavern|k6|locust)"
)
_LOUD: Final = re.compile(r"\bpytest\b[^\n]*(?:--log-cli-level[= ]DEBUG|--showlocals|\s-l\b)|\bk6\b[^\n]*--http-debug")
_WORDS: Final = ("curl", "http", "wget", "--", "zap", "nuclei", "newman", "ffuf", "sqlmap", "pytest", "k6")
"""A word of everything that is looked for in a step."""
_COMMAND: Final = re.compile(r"\bcurl\s")
_CURL: Final = re.compile(r"(?i)\bcurl\b.*(?:authorization|api[_-]?key|cookie|token|\s-u\s|--user\b)")
_SENT: Final = re.compile(r"(?:^|\s)(?:-H|--header|-u|--user|-b|--cookie|--oauth2-bearer|-K|--config|-n|--netrc)|\$|@")
_TO_FILL_IN: Final = re.compile(r"(?i)^\s*(?:export\s+)?\w+=[\"']?<?(?:to_?\s?)?fill\s(?:this|me|it)\s?(?:in|out)")
"""``CLIENT_SECRET="fill this in!"``"""
_DEBUGGED: Final = ("http.client.HTTPConnection.debuglevel", "http.client.HTTPSConnection.debuglevel")


def detect(app: App) -> Iterator[Hit]:
    """Commands of the pipeline that show what they send, and tests that print their credential."""
    facts = source_of(app)
    for file in facts.files_of("workflow", "build", "shell"):
        if file.kind == "shell" and any(map(_TO_FILL_IN.match, file.lines)):
            continue  # whoever starts it fills it in, and reads what it says in a terminal
        for step in steps_of(file) if any(file.lines_with(*_WORDS)) else ():
            yield from _in_step(step)
    yield from _in_code(facts)


def _in_step(step: Step) -> Iterator[Hit]:
    text = step.text
    carries, tool = _CARRIES.search(text) is not None, _TOOL.search(text) is not None
    for line in step.commands if carries else ():
        if _shows(line.text) and (_CARRIES.search(line.text) or not _is_bare(line.text)):
            yield Hit("this command writes the headers that it sends into the log", line.span)
        elif tool and _RECORDS.search(line.text) and _MASKED.search(line.text) and not _UNMASKED.search(line.text):
            continue
        elif tool and (_RECORDS.search(line.text) or _UNMASKED.search(line.text)):
            yield Hit("the scan records its requests with the credential in them", line.span)
        elif _LOUD.search(line.text):
            yield Hit("the run shows local variables or wire logs with the credential in them", line.span)


def _shows(command: str) -> bool:
    """That a tool in it is told to say what it sends."""
    return any(
        found is not None and told.search(part, found.end()) is not None
        for tool, end, told in _SHOWS
        for part in command.split(end)
        for found in (tool.search(part),)
    )


def _is_bare(command: str) -> bool:
    """``curl -v http://localhost/info`` on a line of its own sends nothing but its address."""
    return command.lstrip("- ").startswith("curl ") and _SENT.search(command) is None


def _in_code(facts: SourceFacts) -> Iterator[Hit]:
    for one in facts.assignments(tests=True):
        loud = (one.target in _DEBUGGED or one.attribute == "debuglevel") and not is_constant(one.value, 0, False)
        loud = loud and not (isinstance(one.value, Name) and one.value.dotted in _DEBUGGED)  # put back as it was
        if loud and any(isinstance(part, EnvironmentValue) for part in walk(one.value, 3)):
            loud = is_on(facts, one.value)  # what holds where nobody says anything
        if loud and not asked_for(facts, one.span):
            yield Hit("http.client prints every header that it sends", one.span, certainty="certain")
    for call in facts.calls("curlify.to_curl", "curlify2.Curlify", tests=True):
        yield Hit("a cURL line holds the credential in clear", call.span)
    for call in facts.calls("requests_toolbelt.utils.dump.dump_all", tests=True):
        yield Hit("a dump of the exchange holds the credential in clear", call.span)
    for span in (*_reproduced(facts), *_quoted(facts)):
        yield Hit("a cURL line holds the credential in clear", span, certainty="possible", severity="low")
    if not facts.tests:
        return
    for span in _recorded(facts):
        yield Hit("a test writes a credential to its report", span)
    for call in facts.calls("print", "*.info", "*.debug", "*.warning", tests=True):
        if facts.is_test(call.span) and any(
            _is_what_was_sent(part) or (not names and _is_kept_to_send(facts, part))
            for value in call.args
            for names in (isinstance(value, Call) and value.callee in _NAMES_ALONE,)
            for part in walk(value, 2)
        ):
            yield Hit("a test writes the headers that it sent to its output", call.span, certainty="likely")
    for flow in facts.flows("print", "log", label=tuple(sorted(CREDENTIALS)), tests=True):
        if facts.is_test(flow.span) and not any(
            isinstance(one, Name) and one.dotted == "len" for one in walk(flow.value, 3)
        ):
            yield Hit(
                "a test writes a credential to its output: look whether it opens anything outside of the test",
                flow.span,
                certainty="possible",
                severity="low",
            )


def _is_what_was_sent(value: Value) -> bool:
    """``response.request.headers``"""
    return (
        isinstance(value, Member)
        and value.attribute == "headers"
        and isinstance(value.owner, Member)
        and value.owner.attribute == "request"
    )


_NAMES_ALONE: Final = frozenset({"sorted", "list", "tuple", "set", "len"})
"""What gives the keys of a mapping, or how many."""
_SHOWN: Final = re.compile(r"(?i)(?:proxy-)?authorization|(?:x-)?api-?key|x-[\w-]*token|cookie")


def _is_kept_to_send(facts: SourceFacts, value: Value) -> bool:
    """``session.headers``, all of them, of a session that was given a credential."""
    if not isinstance(value, Member) or value.attribute != "headers":
        return False
    kept = [value.owner]
    if isinstance(value.owner, Parameter):
        calls = facts.calls(value.owner.function, tests=True)
        kept = [one for call in calls for one in passed(facts, value.owner, call)]
    return any(
        _SHOWN.fullmatch(text_of(part) or "") is not None
        for made in kept
        if isinstance(made, Call) and SESSION.fullmatch(made.callee) is not None
        for call in facts.calls(f"{made.callee}.headers.__setitem__", f"{made.callee}.headers.update", tests=True)
        if any(one == made for one in walk(call.receiver, 2))
        for one in call.args[:1]
        for part in walk(one, 1)
    )


def _reproduced(facts: SourceFacts) -> Iterator[Span]:
    """``f"curl -H 'Authorization: Bearer {token}' {url}"``, put together by hand."""
    # the first question is one that can be written down, so that a project without calls need not run this rule
    if not any(True for _ in facts.calls(tests=True)) or not (facts.says("curl") or facts.says_like("curl", _COMMAND)):
        return
    values = [
        (one, call.function)
        for call in facts.calls(tests=True)
        for one in (*call.args, *(value for _, value in call.keywords))
    ]
    values += [(one.value, one.function) for one in facts.assignments(tests=True)]
    values += [(one.value, one.function) for one in facts.returns(tests=True)]
    seen: set[Span] = set()
    for value, function in values:
        for part in walk(value, 5):
            if isinstance(part, Format) and part.span is not None and part.span not in seen:
                text = "".join(text_of(one) or " " for one in part.parts)
                shown = _CURL.search(text) is not None and any(facts.derives(one, *CREDENTIALS) for one in part.parts)
                if shown or (_HEADER.search(text) and _spells_all(facts, part, function)):
                    seen.add(part.span)
                    yield part.span


_HEADER: Final = re.compile(r"(?:^|\s)(?:-H|--header)[ =]?[\"']?(?:%s|\{\w*\})?\s*:\s")


def _spells_all(facts: SourceFacts, line: Format, function: str) -> bool:
    """``"-H '%s: %s'" % (name, value)`` for each header that is sent, whichever it is, in a function that writes cURL lines."""
    asked = facts.conditions_around(line.span) if line.span is not None else ()
    if any(_is_of_headers(part) for one in asked for part in walk(one.value, 6)):
        return False  # it asks which header this is
    sent = any(_is_of_headers(part) for one in line.parts if not isinstance(one, Call) for part in walk(one, 5))
    given = [part for call in facts.calls_in(function) for part in (call, *call.args)] if sent else []
    texts = (text for one in given for part in walk(one, 3) if (text := text_of(part)) is not None)
    return any(text == "curl" or _COMMAND.search(text) for text in texts)


def _is_of_headers(value: Value) -> bool:
    if isinstance(value, Call):
        return value.callee.endswith((".headers.items", ".headers.keys"))
    return isinstance(value, Member) and value.attribute == "headers"


def _quoted(facts: SourceFacts) -> Iterator[Span]:
    """``["curl", "-H", f"{name}: {value}"]``, quoted for a shell, where the headers that are gone through hold a credential."""
    seen: set[Span] = set()
    for call in facts.calls("shlex.quote", "shlex.join", tests=True):
        for part in walk(call, 8):
            if not isinstance(part, Sequence) or not part.items or text_of(part.items[0]) != "curl":
                continue
            for flag, value in pairwise(part.items):
                if text_of(flag) not in ("-H", "--header") or not isinstance(value, Format) or value.span in seen:
                    continue
                if value.span is not None and any(facts.derives(one, *CREDENTIALS) for one in value.parts):
                    seen.add(value.span)
                    yield value.span


_RECORDERS: Final = frozenset({"record_property", "record_testsuite_property", "record_xml_attribute", "extras"})
"""Fixtures of pytest that write what they are given into the report."""


def _recorded(facts: SourceFacts) -> Iterator[Span]:
    """What a test hands to such a fixture beside the name under which it stands there."""
    for function in facts.functions(tests=True):
        for call in facts.calls_in(function.name) if _RECORDERS & set(function.parameters) else ():
            given = call.args[1:] if call.callee == "?" and text_of(call.argument(0)) is not None else ()
            if call.span is not None and any(facts.derives(one, *CREDENTIALS) for one in given):
                yield call.span


RULE = Rule(
    slug="credential-in-scan-output",
    family="ci",
    title="A scan or test run writes live credentials into its output",
    harm=__doc__ or "",
    severity="medium",
    check="data-exposure",
    cwe=(532,),
    owasp="API8:2023",
    asvs=("V16.2.5",),
    surfaces=("source",),
    ends="Stopper's reports mask credentials in evidence, SARIF and reproduction lines.",
    repeats=("verbose-client-logging",),
    certainty="likely",
    detect=detect,
    reads_tests=True,
)
