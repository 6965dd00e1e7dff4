"""A stranger asks for a reset with a Host header of his own, and the victim's link leads to him with the token."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from stopper.core.account_names import RESETS
from stopper.core.answers.shown_in_templates import pages_shown
from stopper.core.app import App
from stopper.core.deployment.setting_facts import is_always_set
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow import passing
from stopper.core.flow.chosen_by_key import answer_parts
from stopper.core.flow.run_later import run_later
from stopper.core.flow.view_functions import index_of
from stopper.core.people.mailing import mailers
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.accounts.reset import asks_for_reset, links, resets
from stopper.core.probing.baseline import attempt
from stopper.core.rule import Hit, Rule
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    Format,
    Item,
    Member,
    Name,
    Parameter,
    Sequence,
    Unknown,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

_HOST: Final = frozenset({
    "flask.request.host", "flask.request.host_url", "flask.request.url_root", "flask.request.root_url", "flask.request.base_url", "flask.request.url", "flask.request.origin", "flask.request.referrer",
})  # fmt: skip
_HEADERS: Final = frozenset(
    {"host", "x-forwarded-host", "origin", "referer", "http_host", "http_x_forwarded_host", "x-original-host"}
)
_REDIRECTS: Final = ("flask.redirect", "werkzeug.utils.redirect")
"""What the caller itself is sent to is no mail to somebody else."""
_MAILED: Final = re.compile(r"(?i)forgot|reset|recover|invit|magic|confirm|verif|activat")
_SENDS: Final = re.compile(r"(?i)mail|send|message|notify|smtp|enqueue|delay")


def detect(app: App) -> Iterator[Hit]:
    """A link for a mail that begins with what the caller wrote into the Host header."""
    facts = source_of(app)
    pinned = _is_pinned(app, facts)
    index = index_of(facts)
    names = {one.name for one in facts.functions() if _MAILED.search(one.name.rpartition(".")[2])}
    names |= {
        function.name for route in facts.routes if _MAILED.search(route.path) for function in index.of_view(route.view)
    }
    handed = (_handed_the_host(facts, names) | _asked_for_links(facts, names)) - names
    seen: set[tuple[str, int]] = set()
    telling: set[str] = set()
    for name in (*sorted(names), *sorted(handed)):
        if name in handed and any(call.function in telling for call in facts.calls(name)):
            continue  # told where the mail is written
        for span in _links(facts, name, pinned):
            telling.add(name)
            if (span.path, span.line) not in seen:
                seen.add((span.path, span.line))
                yield Hit("the link in a mail is built from the Host header", span)


def _handed_the_host(facts: SourceFacts, names: set[str]) -> set[str]:
    """Functions that these hand the host to, at once or as a task, under whatever name: ``deliver.delay(user.email, request.host_url)``."""
    given = {
        call.callee.removesuffix(".delay")
        for name in names
        for call in facts.calls_in(name)
        if any(map(_is_host, _values([call])))
    }
    later = {
        called
        for called, calls in run_later(facts).items()
        if any(call.function in names and any(map(_is_host, _values([call]))) for call in calls)
    }
    return {name for name in given | later if facts.function(name) is not None}


def _asked_for_links(facts: SourceFacts, names: set[str]) -> set[str]:
    """Functions that these call for the link: ``link_for(token)``, which reads the host itself."""
    called = {call.callee for name in names for call in facts.calls_in(name)}
    return {
        name
        for name in called
        if any(
            (isinstance(text, (Format, Unknown)) and any(_from_host(facts, part) for part in walk(text, 3)))
            or (isinstance(text, Call) and any(_from_host(facts, part) for part in _host_of(text)))
            for one in facts.returns_of(name)
            for text in options(one.value)
        )
    }


def _is_pinned(app: App, facts: SourceFacts) -> bool:
    """Only hosts on a list are served, so the header holds one of them. SERVER_NAME alone does not refuse the others."""
    for write in facts.config_writes("TRUSTED_HOSTS", "ALLOWED_HOSTS"):
        if not is_constant(write.value, None):
            return True
    running = app.config.get("TRUSTED_HOSTS")
    if running is not None and running.value:
        return True
    return any("trusted_hosts" in one.target or one.attribute == "trusted_hosts" for one in facts.assignments())


def _links(facts: SourceFacts, name: str, pinned: bool) -> Iterator[Span]:
    calls = list(facts.calls_in(name))
    sends = any(_SENDS.search(call.callee) or call.callee in mailers(facts) for call in calls)
    sends = sends or _returns_link(facts, name)
    if pinned or not sends or _is_held(facts, name):
        return
    told = False  # the page of a mail that holds a link already may build another one
    for call in calls:
        if (
            call.method == "url_for"
            and is_constant(call.keyword("_external"), True)
            and not any(True for _ in facts.config_writes("SERVER_NAME"))
            and RESETS.search(f"{name} {text_of(call.args[0]) if call.args else ''}")
        ):
            if call.span:
                told = True
                yield call.span
        elif call.method.startswith("render_template") and call.span and not told:
            asks = any(_from_host(facts, value) for _, value in call.keywords) or _page_asks(facts, name, call)
            if asks and _is_mailed(calls, call):
                told = True
                yield call.span
        elif call.span and any(_from_host(facts, value) for value in _host_of(call)):
            yield call.span
            return  # the text that it stands in holds no other link
    stays = [one.span for one in calls if one.callee in _REDIRECTS and one.span is not None]
    for value in (
        *_values([one for one in calls if one.callee not in _REDIRECTS]),
        *(one.value for one in facts.returns_of(name)),
        *(one.value for one in facts.assignments_in(name)),
    ):
        for part in _taken(facts, value, 6):
            if (
                isinstance(part, (Format, Unknown))
                and part.span is not None
                and any(_from_host(facts, one) for one in _taken(facts, part, 3))
                and not any(span.holds(part.span) for span in stays)
            ):
                yield part.span
                return  # the text and the HTML of a mail hold one link


def _host_of(call: Call) -> Iterator[Value]:
    """What says the host of an address that ``urljoin`` or ``urlunsplit`` puts together."""
    first = call.argument(0)
    if call.callee == "urllib.parse.urljoin" and first is not None:
        yield first
    elif call.callee in ("urllib.parse.urlunsplit", "urllib.parse.urlunparse") and isinstance(first, Sequence):
        yield from first.items[1:2]


def _taken(facts: SourceFacts, value: Value, depth: int) -> Iterator[Value]:
    """The value and what is inside, without what stands behind a setting that is always set."""
    yield value
    inside = (value.owner,) if isinstance(value, Item) and is_always_set(facts, value) else answer_parts(value)
    if depth and not (isinstance(value, ConfigValue) and is_always_set(facts, value)):
        for part in inside:
            yield from _taken(facts, part, depth - 1)


def _values(calls: list[Call]) -> Iterator[Value]:
    for call in calls:
        yield from call.args
        yield from (value for _, value in call.keywords)


def _is_mailed(calls: list[Call], page: Call) -> bool:
    """That a page becomes the text of a mail: it is called so, or is given to what makes or sends one."""
    if re.search(r"(?i)mail|message", text_of(page.argument(0)) or ""):
        return True
    return any(
        page in given and _SENDS.search(call.callee)
        for call in calls
        for given in [[*call.args, *(value for _, value in call.keywords)]]
    )


_EXTERNAL: Final = re.compile(r"url_for\([^)]*\b_external\s*=\s*[Tt]rue[^)]*\)")
_HOST_IN_PAGE: Final = re.compile(r"\{\{[^}]*\brequest\.(?:host|host_url|url_root|root_url|base_url)\b")


def _page_asks(facts: SourceFacts, name: str, page: Call) -> bool:
    """``{{ url_for("reset", token=token, _external=True) }}`` in the template itself."""
    external = not any(True for _ in facts.config_writes("SERVER_NAME"))
    return any(
        _HOST_IN_PAGE.search(line)
        or (external and (said := _EXTERNAL.search(line)) and RESETS.search(f"{name} {said[0]}"))
        for one in pages_shown(facts, page.argument(0, "template_name_or_list"))
        for line in one.lines
    )


def _returns_link(facts: SourceFacts, name: str) -> bool:
    """A function that only makes the link."""
    return any(
        isinstance(part, (Format, Unknown)) or (isinstance(part, Call) and any(True for _ in _host_of(part)))
        for one in facts.returns_of(name)
        for part in walk(one.value, 2)
    )


def _is_held(facts: SourceFacts, name: str) -> bool:
    """The host is compared with a list first."""
    return any(
        one.operator in ("in", "not in", "==", "!=")
        and any(_is_host(part) for side in (one.left, one.right) for part in walk(side, 4))
        for one in facts.comparisons_in(name)
    )


def _from_host(facts: SourceFacts, value: Value) -> bool:
    """The host of the request, also where another function of the project looks it up and hands it over unjudged."""
    if isinstance(value, Parameter):
        return any(
            _is_host(given) and not _is_held(facts, call.function)
            for call in passing.callers(facts, value.function)
            for given in passing.passed(facts, value, call)
        )
    return _is_host(value)


def _is_host(value: Value) -> bool:
    match value:
        case Name(dotted=dotted):
            return dotted in _HOST
        case Item(owner=Name(dotted="flask.request.headers" | "flask.request.environ"), key=Constant(value=str(key))):
            return key.lower() in _HEADERS
        case Member(
            owner=Call(callee="urllib.parse.urlsplit" | "urllib.parse.urlparse", args=(whole, *_)), attribute=word
        ):
            return word in ("netloc", "hostname") and _is_host(whole)
        case Call(callee=callee, receiver=inner) if value.method in ("strip", "rstrip", "replace", "lower"):
            return callee.rpartition(".")[0] in _HOST or (inner is not None and _is_host(inner))
        case _:
            return False


def probe(target: Target) -> Steps[Verdict]:
    """Where the answer itself holds the link, it is asked for once more with a host of the probe's own."""
    if not any(asks_for_reset(route) for route in target.app.routes):
        return not_applicable("no route sends a reset")
    foreign, told = f"{target.canary}.example.com", False
    for asked in (yield from resets(target)):
        if not links(asked.exchange.response):
            continue
        told = True
        for name in ("Host", "X-Forwarded-Host"):
            varied = yield from attempt(send(asked.request.with_headers((name, foreign))))
            if varied is not None and any(_host(link) == foreign for link in links(varied.response)):
                ref = RouteRef("POST", asked.route.path)
                evidence = [
                    Evidence("exchange", "control: a link to the API's own address", asked.exchange),
                    Evidence("exchange", f"the same with another {name}: the link leads there", varied),
                ]
                return failed(f"{ref} builds the link from the header {name}", [ref], evidence)
    return passed("links keep to the API's own address") if told else unsure("the link goes by mail, which is not read")


def _host(link: str) -> str:
    try:
        return urlsplit(link).hostname or ""
    except ValueError:
        return ""


RULE = Rule(
    slug="reset-link-from-host-header",
    family="account",
    title="Reset link built from the Host header",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(640,),
    owasp="API2:2023",
    asvs=("V4.1.3",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's service builds its links from a configured address and never from a request.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
