"""Somebody asks for another person's reset mail with their own host in the request, and gets the secret link when it is clicked."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App, Route
from stopper.core.deployment.setting_facts import MISSING, in_force, plain, settings_out_of_sight, written
from stopper.core.exchange import Response
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.chosen_by_key import walk_answers
from stopper.core.flow.kept_values import kept_for
from stopper.core.labels import UNTRUSTED
from stopper.core.people.mailing import mailers
from stopper.core.place import Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.baseline import attempt, is_door
from stopper.core.probing.provoke import asked_honestly
from stopper.core.rule import Certainty, Hit, Rule
from stopper.core.values import Call, Format, Item, Mapping, Member, Name, Value, is_constant, options, text_of, walk

_HOSTS: Final = frozenset(f"flask.request.{word}" for word in ("host", "host_url", "url_root", "root_url", "base_url"))
_LINKS: Final = (
    "urllib.parse.urljoin",
    "flask.redirect",
    "flask.render_template",
    "flask.jsonify",
    "flask_mail.Message",
)
_TAKE_APART: Final = ("urllib.parse.urlparse", "urllib.parse.urlsplit")
"""``urlparse(urljoin(request.host_url, target)).netloc``: an address that is only looked at."""
_SHOWS: Final = ("flask.render_template", "flask.jsonify")
_ELSEWHERE: Final = ("*.from_envvar", "*.from_pyfile", "*.from_file", "*.from_json", "*.from_object")
_SENDS: Final = re.compile(
    r"(?i)^(?!(?:should|can|may|is|has|needs)_).*(?:send(?!_(?:file|from|static))|mail|notify|message|invite|enqueue|delay)"
)
_BODIES: Final = frozenset({"body", "html", "text", "content"})
_SENT_BACK_TO: Final = frozenset({"redirect_uri", "callback", "callback_url", "callback_uri"})
_FOR_OTHERS: Final = re.compile(
    r"(?i)invit|join|reset|recover|forgot|confirm|verif|activat|unsubscribe|share|secret|token|password|magic"
)
_MAKES_SECRETS: Final = re.compile(
    r"itsdangerous\.\w+\.(?:dumps|sign)|secrets\.token_\w+|jwt\.encode|joserfc\.jwt\.encode|jose\.jwt\.encode"
)
"""What makes a text that opens something to whoever holds it."""
_LINK: Final = "this link is built with whatever host the request names"
_TOGETHER: Final = 4
"""From so many links on they are told together."""
_STRANGER: Final = "host-of-a-stranger.example"


def detect(app: App) -> Iterator[Hit]:
    """Links that are made from the request's host, where no setting says which hosts are ours."""
    if _hosts_are_said(app):
        return
    facts = source_of(app)
    sure: Certainty = "possible" if settings_out_of_sight(app, "TRUSTED_HOSTS") else "likely"
    sent_back = [call.args[0] for call in facts.calls("flask.redirect", "werkzeug.utils.redirect") if call.args]
    sent_back += _for_providers(facts)
    # A redirect goes to whoever named the host, and to nobody else. With SERVER_NAME, url_for says that name and not the request's.
    pinned = any(not is_constant(write.value, None) for write in written(app, "SERVER_NAME"))
    links = [
        call
        for call in (() if pinned else facts.calls("flask.url_for", "flask.helpers.url_for"))
        if is_constant(call.keyword("_external"), True)
        and not any(one is call for one in sent_back)
        and (_is_passed_on(facts, call.function, call) or _is_mailed(facts, call.function))
    ]
    mailed = [call for call in links if _is_mailed(facts, call.function, 0)]
    if mailed and len(mailed) < len(links):
        yield Hit(f"{_LINK}, as {_others(len(links) - 1)}", mailed[0].span, certainty=sure)
    elif len(links) < _TOGETHER:
        for call in links:
            yield _told(_LINK, call.span, sure, mailed=bool(mailed))
    else:  # one setting is missing, however many links there are; those that are mailed do harm
        yield _told(f"{_LINK}, as {_others(len(links) - 1)}", links[0].span, sure, mailed=bool(mailed))
    if not pinned and not mailed:
        for place in list(_in_mailed_templates(facts))[:1]:  # a text and its HTML hold one link
            yield Hit(_LINK, place, certainty=sure)
    taken_apart = {one.span for call in facts.calls(*_TAKE_APART) for one in call.args if isinstance(one, Call)}
    seen: set[tuple[str, int]] = set()
    mails: set[str] = set()
    for value, span, mail in _built(facts):
        if (
            span is not None
            and (span.path, span.line) not in seen
            and mail not in mails
            and span not in taken_apart
            and _names_host(facts, value)
            and not _holds_link(facts, value)
        ):
            seen.add((span.path, span.line))
            mails |= {mail} - {""}
            sent = bool(mail) or _is_mailed(facts, facts.function_around(span))
            yield _told("this address is built from the request's Host header", span, sure, mailed=sent)


_EXTERNAL: Final = re.compile(r"url_for\([^)]*\b_external\s*=\s*True")


def _in_mailed_templates(facts: SourceFacts) -> Iterator[Span]:
    """``{{ url_for("reset", token=token, _external=True) }}`` in the template of a mail: it is rendered while the request is answered."""
    names = {
        f"/{name}"
        for call in facts.calls("flask.render_template", "flask.templating.render_template")
        if (name := text_of(call.argument(0, "template_name_or_list"))) is not None and _is_mailed(facts, call.function)
    }
    for file in facts.files_of("template") if names else ():
        for number, line in file.lines_with("_external") if f"/{file.path}".endswith(tuple(names)) else ():
            if _EXTERNAL.search(line) and _FOR_OTHERS.search(line):
                yield Span(file.path, number, number, 1, len(line) + 1)


def _told(message: str, span: Span | None, sure: Certainty, *, mailed: bool) -> Hit:
    """What goes back to whoever named the host does no harm by itself: whether another person gets it has to be looked at."""
    if mailed:
        return Hit(message, span, certainty=sure)
    return Hit(
        f"{message}: look whether somebody else than the caller gets it", span, certainty="possible", severity="low"
    )


def _others(count: int) -> str:
    return "another is" if count == 1 else f"{count} others are"


def _holds_link(facts: SourceFacts, value: Value) -> bool:
    """That the host stands in a text inside of it, which is told by itself."""
    return any(part is not value and isinstance(part, Format) and _names_host(facts, part) for part in walk(value, 5))


def _is_mailed(facts: SourceFacts, function: str, steps: int = 2) -> bool:
    """That the function, or one that calls it, sends something to somebody."""
    if any(_sends(facts, call.callee) for call in facts.calls_in(function)):
        return True
    return (
        bool(steps and function)
        and not facts.is_view(function)
        and any(_is_mailed(facts, call.function, steps - 1) for call in facts.calls(function))
    )


def _sends(facts: SourceFacts, callee: str) -> bool:
    """By its name, or because it is a function of the project that mails: ``deliver(to, text)``."""
    return _SENDS.search(callee.rpartition(".")[2]) is not None or callee in mailers(facts)


def _is_passed_on(facts: SourceFacts, function: str, value: Value) -> bool:
    """That the link is for somebody else, or carries a secret: what else an answer links to goes to whoever named the host."""
    words = [text for part in walk(value, 5) if (text := text_of(part)) is not None]
    path = facts.once("paths by view", lambda: {route.view: route.path for route in facts.routes}).get(function, "")
    signed = any(isinstance(part, Call) and _MAKES_SECRETS.fullmatch(part.callee) for part in walk(value, 5))
    return signed or any(_FOR_OTHERS.search(word) for word in (function.rpartition(".")[2], path, *words))


def _for_providers(facts: SourceFacts) -> Iterator[Value]:
    """Where a provider of log-ins is to send the person back to: it takes only what was registered with it."""
    for call in facts.calls() if facts.says(*_SENT_BACK_TO) else ():
        named = list(call.keywords)
        for part in (*call.args, *(value for _, value in call.keywords)):
            if isinstance(part, Mapping):
                named += [(text_of(key) or "", value) for key, value in part.items]
        yield from (one for name, value in named if name in _SENT_BACK_TO for one in options(value))


def _built(facts: SourceFacts) -> Iterator[tuple[Value, Span | None, str]]:
    """Texts that are put together, with where they stand, and the function that mails them: a text and its HTML hold one link."""
    if not facts.imports("flask.request", "flask"):
        return
    for flow in facts.flows("response", "redirect", "template", "outbound-body", "outbound-url", "url"):
        shown = flow.sink in ("response", "template")
        for part in walk(flow.value, 6):
            if isinstance(part, Format) and (
                not shown or _is_passed_on(facts, flow.function, part) or _is_mailed(facts, flow.function)
            ):
                yield part, part.span or flow.span, ""
    senders = [callee for callee in facts.callees() if _sends(facts, callee)]
    for call in facts.calls(*_LINKS, *senders):
        shown = call.callee in _SHOWS and not _is_mailed(facts, call.function)
        for part in walk(call, 5):
            if shown and not _is_passed_on(facts, call.function, part):
                continue
            if isinstance(part, Format) or (isinstance(part, Call) and part.callee == "urllib.parse.urljoin"):
                yield part, part.span or call.span, call.function if _sends(facts, call.callee) else ""
    for assigned in facts.assignments():
        if assigned.attribute in _BODIES and isinstance(assigned.value, Format):
            yield assigned.value, assigned.value.span or assigned.span, ""
    for returned in facts.returns():
        for one in options(returned.value):  # a function that makes links for others
            if isinstance(one, Format) or (isinstance(one, Call) and one.callee == "urllib.parse.urljoin"):
                yield one, one.span or returned.span, ""


def _names_host(facts: SourceFacts, value: Value, steps: int = 2) -> bool:
    return any(
        (isinstance(part, Name) and part.dotted in _HOSTS)
        or (steps > 0 and any(_names_host(facts, kept, steps - 1) for kept in kept_for(facts, part)))  # ``g.base_url``
        or (isinstance(part, Call) and part.receiver is None and part.callee.rpartition(".")[0] in _HOSTS)
        or (
            isinstance(part, Item)
            and isinstance(part.owner, Name)
            and part.owner.dotted == "flask.request.headers"
            and (text_of(part.key) or "").lower() in ("host", "x-forwarded-host")
        )
        or (
            isinstance(part, Member)
            and part.attribute in ("host", "host_url", "url_root")
            and isinstance(part.owner, Name)
            and part.owner.dotted == "flask.request"
        )
        for part in walk_answers(value, 5)
    )


def _hosts_are_said(app: App) -> bool:
    """TRUSTED_HOSTS is set, or the view looks at the host itself. SERVER_NAME alone does not keep hosts out since Flask 2.2."""
    facts = source_of(app)
    force = in_force(app, "TRUSTED_HOSTS")
    if force is not MISSING:
        return bool(force)
    values = [one for write in written(app, "TRUSTED_HOSTS") for one in plain(facts, write.value) or (MISSING,)]
    if any(values) or (not values and any(True for _ in written(app, "TRUSTED_HOSTS"))):
        return True
    if settings_out_of_sight(app, "TRUSTED_HOSTS") and any(True for _ in facts.calls(*_ELSEWHERE)):
        return True  # a file of settings that was not read may say them; the environment alone hardly ever does
    if any("TRUSTED_HOSTS" in line for file in facts.files_of("env", "compose", "config") for line in file.lines):
        return True
    fields = {f"{one.name}.trusted_hosts" for one in facts.classes() if any("Settings" in base for base in one.bases)}
    if any(one.attribute == "trusted_hosts" and one.target not in fields for one in facts.assignments()):
        return True  # on the request; a field of settings says nothing until somebody reads it
    return any(
        comparison.operator in ("in", "not in", "!=")
        and _names_host(facts, comparison.left)
        and not (isinstance(comparison.left, Member) and comparison.left.attribute == "scheme")
        and not facts.derives(comparison.right, *UNTRUSTED)
        for comparison in facts.comparisons()
    )


def probe(target: Target) -> Steps[Verdict]:
    """The honest request, then the same with a stranger's Host; the answer must not name the stranger."""
    asked = 0
    for one in (yield from asked_honestly(target)):
        honest, ref, request = one.honest, one.ref, one.honest.request
        if honest.response.error or honest.response.status >= 400 or _by_itself(target, honest.response):
            continue
        if request.method == "GET" and is_door(Route(ref.path, ("GET",))):
            continue  # a page that describes the API, or a log-in
        own = target.base_url.partition("://")[2].partition("/")[0]
        said = request.target.encode() + request.body
        if own.encode() in said or not any(
            own.encode() in part or (request.method == "GET" and b"localhost" in part)
            for part in (honest.response.body, _location(honest.response.header("Location")))
        ):
            continue
        asked += 1
        foreign = yield from attempt(send(request.with_headers(("Host", _STRANGER))))
        if foreign is None or foreign.response.error or foreign.response.status >= 400:
            continue
        where = (foreign.response.body, _location(foreign.response.header("Location")))
        if any(_STRANGER.encode() in part for part in where):
            evidence = (
                Evidence("exchange", "control: the answer names the host of the request", honest),
                Evidence("exchange", "with a stranger's Host the answer links to the stranger", foreign),
            )
            return failed(f"{ref} builds links with whatever Host the request names", (ref,), evidence)
    return (
        passed("no answer links to a stranger's host")
        if asked
        else not_applicable("no answer names the host of the request")
    )


def _by_itself(target: Target, response: Response) -> bool:
    """Whether an answer only sends on within the address that was asked: the router that adds a slash writes it in full, and Werkzeug before
    2.1 every redirect. It goes to whoever named the host and to nobody else."""
    return response.sends_on and (response.header("Location") or "").startswith(target.base_url.rstrip("/") + "/")


def _location(value: str | None) -> bytes:
    return (value or "").encode("utf-8", "replace")


RULE = Rule(
    slug="host-header-trusted",
    family="transport",
    title="The Host header of the caller is put into links",
    harm=__doc__ or "",
    severity="medium",
    check="transport",
    cwe=(644,),
    owasp="API8:2023",
    asvs=("V4.1.3",),
    surfaces=(
        "source",
        "wsgi",
        "http",
    ),
    ends="Stopper builds links from `STOPPER_ISSUER` and never from the request.",
    certainty="likely",
    echo_of=("reset-link-from-host-header",),
    detect=detect,
    probe=probe,
)
