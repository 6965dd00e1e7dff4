"""One caller sends a body of gigabytes, and the process reads it until it dies."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.setting_facts import MISSING, application_made, in_force, is_written, plain, written
from stopper.core.deployment.unset_variables import is_none_unless_set
from stopper.core.exchange import Exchange
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.baseline import answered, attempt, candidates
from stopper.core.probing.graphql_limits import without_limits
from stopper.core.probing.inputs import members
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.text_words import mentions
from stopper.core.values import Call, Choice, Name, Value, is_constant

_KEY: Final = "MAX_CONTENT_LENGTH"
_REQUEST: Final = Name("flask.request")
_MOST: Final = "16 * 1024 * 1024"
_CONFIGURED: Final = ("flask.Flask", "apiflask.APIFlask", "flask_openapi3.OpenAPI", "flask_api.FlaskAPI")
_PADDING: Final = 17 * 1024 * 1024
"""One megabyte more than the sixteen that Flask's documentation gives as an example."""
_READS: Final = (
    "flask.request.get_json",
    "flask.request.get_data",
    "flask.request.stream.read",
    "flask.request.files.get",
    "flask.request.files.getlist",
)


_CHANGING: Final = frozenset({"POST", "PUT", "PATCH"})
_OF_BODIES: Final = (
    "form", "get_json", "json", "is_json", "get_data", "data", "files", "values", "stream", "input_stream", "payload",
    "wsgi.input", "validate_on_submit",
)  # fmt: skip
"""Members of the request, and words of libraries, by which a body is read."""
_READERS: Final = (
    "flask_wtf", "wtforms", "flask_restful", "flask_restx", "flask_restplus", "flask_smorest", "webargs", "flask_apispec", "apiflask", "flask_openapi3",
    "spectree", "flask_pydantic", "connexion", "graphene", "ariadne", "strawberry", "flask_graphql", "flask_security", "flask_admin", "flask_appbuilder",
    "flask_user", "flask_jsonrpc", "flask_socketio", "flask_uploads", "dash", "stopper", "flask_dance", "onelogin", "saml2", "flask_rebar", "flasgger",
)  # fmt: skip
"""Libraries that read bodies themselves."""


def _or_none(value: Value) -> bool:
    """``int(environ["LARGEST"]) or None``: there is a size until somebody asks for none."""
    some = isinstance(value, Choice) and not all(is_constant(one, None) for one in value.options)
    return some and not is_none_unless_set(value)


_HUGE: Final = 2 << 30
"""More than two gigabytes."""


def detect(app: App) -> Iterator[Hit]:
    """An application that reads bodies and sets no largest size, or sets it to None."""
    facts = source_of(app)
    unset = [
        write
        for write in written(app, _KEY)
        if is_none_unless_set(write.value) or (plain(facts, write.value) == (None,) and not _or_none(write.value))
    ]
    if unset:
        yield Hit("the size of a request is declared unlimited", unset[0].span)
        return
    for one in facts.assignments():
        if one.attribute == "max_content_length" and one.into == _REQUEST and is_constant(one.value, None):
            yield Hit("the size of a request is declared unlimited", one.span)
            return
    for write in written(app, _KEY):
        sizes = plain(facts, write.value)
        if sizes and all(isinstance(size, int) and size > _HUGE for size in sizes):
            yield Hit("the largest size of a request is so large that it limits nothing", write.span)
            return
    made = application_made(app)
    if made is None or is_written(app, _KEY):
        return
    if in_force(app, _KEY) not in (MISSING, None) or _by_hand(app):
        return
    if any(True for _ in facts.calls(*_READS)) or (
        any(set(one.methods) & _CHANGING for one in facts.routes) and not _reads_nothing(facts)
    ):
        yield Hit("a request may be as large as the caller likes", made)


def _reads_nothing(facts: SourceFacts) -> bool:
    """That all views are seen, and neither they nor a library of the project ask for a body: nobody reads what is sent to ``/logout``."""
    if facts.says(*_OF_BODIES) or facts.imports(*_READERS):
        return False
    if any(set(one.methods) & _CHANGING and facts.function(one.view) is None for one in facts.routes):
        return False
    given = (one for call in facts.calls() for one in (*call.args, *(value for _, value in call.keywords)))
    handed = (*given, *(one.value for one in facts.assignments()))
    return not any(isinstance(one, Name) and one.dotted == "flask.request" for one in handed)


def _by_hand(app: App) -> bool:
    """The length is asked about, or set for a request."""
    facts = source_of(app)
    if any(one.attribute in ("max_content_length", _KEY) for one in facts.assignments()):
        return True
    return any(
        mentions(side, "content_length")
        for one in facts.comparisons(">", ">=", "<", "<=")
        for side in (one.left, one.right)
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """Sixteen megabytes at most, the example of Flask's documentation; whoever takes larger bodies must say how large."""
    for write in written(app, _KEY):
        if write.span == hit.span:
            span = write.value.span if is_constant(write.value, None) else None
            return Edit(span, _MOST, safe=False) if span is not None and write.span.holds(span) else None
    for one in source_of(app).assignments():
        made = one.value if isinstance(one.value, Call) else None
        if made is None or made.span is None or made.span != hit.span or not one.attribute.isidentifier():
            continue
        if made.callee in _CONFIGURED and (not one.function or one.target == one.attribute):
            text = f'{one.attribute}.config["{_KEY}"] = {_MOST}'
            return Edit(made.span, text, safe=False, how="line-after")
    return None


def probe(target: Target) -> Steps[Verdict]:
    """Where a small body is accepted, the same body behind seventeen megabytes of white space must not be. A door of GraphQL must not answer all
    that can be asked at once."""
    asks = yield from without_limits(target)
    verdict = yield from _of_bodies(target)
    if asks is None:
        return verdict
    door, what, evidence = asks
    message, ref = f"POST {door} answers {what}", RouteRef("POST", door)
    if verdict.outcome == "fail":
        return failed(f"{verdict.message}, and {message}", [*verdict.routes, ref], [*verdict.evidence, *evidence])
    return failed(message, [ref], evidence)


def _of_bodies(target: Target) -> Steps[Verdict]:
    tried = 0
    for route, method in list(candidates(target, ("POST", "PUT", "PATCH")))[:4]:
        honest = yield from attempt(answered(target, target.request_for(route, method)))
        if honest is None or not honest.response.succeeded or not members(honest.request):
            continue
        tried += 1
        large = replace(honest.request, body=b" " * _PADDING + honest.request.body)
        answer = yield from attempt(send(large))
        if answer is None or not answer.response.succeeded:
            continue
        ref = RouteRef(method, route.path)
        shown = Exchange(replace(large, body=b"(17 MiB of spaces) " + honest.request.body), answer.response)
        evidence = [
            Evidence("exchange", "control: the small body is accepted", honest),
            Evidence("exchange", "the same body behind 17 MiB of white space is read to its end", shown),
        ]
        return failed(f"{ref} reads a body of 17 MiB", [ref], evidence)
    if not tried:
        return not_applicable("no route that accepts a JSON body is in reach")
    return passed(f"{tried} routes refuse a body of 17 MiB")


RULE = Rule(
    slug="request-size-unlimited",
    family="rate",
    title="The size of a request is unlimited",
    harm=__doc__ or "",
    severity="medium",
    check="rate-limiting",
    cwe=(400,),
    owasp="API4:2023",
    asvs=("V15.2.2",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's service reads no more of a body than its largest form needs.",
    certainty="likely",
    detect=detect,
    fix=fix,
    probe=probe,
    depth="standard",
)
