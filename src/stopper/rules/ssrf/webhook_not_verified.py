"""Anybody can say that a payment came in."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.fact import SourceRoute
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.raising import raised_in
from stopper.core.flow.standing_alone import stands_alone
from stopper.core.guards.believed_hooks import (
    believed_all_the_same,
    believed_unset,
    is_incoming,
    looks_at_a_proof,
    noted_and_believed,
    tells_of_events,
    tells_of_messages,
)
from stopper.core.guards.unsigned_hooks import lets_unsigned_in
from stopper.core.outgoing.vain_address_checks import asks_nothing
from stopper.core.place import Span
from stopper.core.rule import Hit, Rule
from stopper.core.values import (
    Call,
    Item,
    Member,
    Name,
    Parameter,
    Sequence,
    Truth,
    Value,
    is_constant,
    text_of,
    walk,
)

_PATH: Final = re.compile(
    r"(?i)(?:^|[/_.-])(?:web_?-?hooks?|hooks?|ipn|stripe|paypal|github|gitlab|slack|twilio|shopify|telegram|whatsapp|payment[-_]?(?:callback|notification|event)s?|notify|callback/payment)(?:$|[/_.-])"
)
_NOT: Final = re.compile(
    r"(?i)oauth|(?:^|/)auth/|login|register|subscri|list|settings|config|admin|authorize|connect|create|users?/"
)
_CHECKS: Final = re.compile(
    r"(?i)hmac\.\w+|secrets\.compare_digest|.*(?:construct_event|verify|validat|signature|check_sign|is_valid|authentic|compare_digest|webhook\.parse|unwrap|required?_\w*(?:sig|auth|key|token)|sign_?in_required|log_?in_required|RequestValidator)\w*(?:\..*)?|stopper\..*|jwt\.decode"
    r"|.*(?:login|jwt|token|auth|session|user|admin|(?:permission|role|scope)s?)_(?:required|accepted)|.*\bhas_(?:access|permissions?|roles?|rights?)|flask_(?:login|jwt_extended|security|httpauth|praetorian)\..*(?:required|auth\w*)"
)
_VERIFIES: Final = re.compile(r"(?i)/verify[-_]?(?:webhook|signature|notification|ipn)|cmd=_notify-validate")
_FETCHES: Final = re.compile(
    r"(?:mollie|stripe|braintree|paypal\w*|square|razorpay|gocardless_pro|adyen|checkout_sdk|mercadopago|coinbase\w*)\..*\.(?:get|retrieve|find|fetch|get_payment)$"
)
"""Clients of services that take payments, asked for a thing by its number."""
_WHOLE_BODIES: Final = ("flask.request.data", "flask.request.json", "flask.request.form", "flask.request.stream")
_READ_FROM: Final = tuple(f"flask.request.{word}" for word in ("json", "get_json", "form", "data", "values"))
_HOOK: Final = re.compile(r"(?i)hook|subscri")
_KIND: Final = re.compile(r"(?i)(?:^|-)(?:event|topic|type|agent|delivery|action|version|resource-state)(?:-key)?$")
_OUT: Final = re.compile(
    r"(?i)(?:webhook|callback|hook|notify|notification|target|endpoint|delivery|subscriber)_?(?:url|uri|endpoint|address)s?"
)
_VERIFIED: Final = re.compile(r"(?i)(?:in|not_)?(?:verified|valid)")
_SECRET: Final = re.compile(r"(?i)secret|token|(?:^|_)key$")
_GUARDS: Final = re.compile(
    r"(?i)(?:is|check|validate|verify|ensure|assert|allow|safe)\w*_?(?:url|host|uri|target|address|domain)\w*|(?:url|host)_(?:is_)?(?:allowed|safe)"
)


def detect(app: App) -> Iterator[Hit]:
    """Webhook views whose way holds no check of a signature, checks without the time, and targets that nobody has judged."""
    facts = source_of(app)
    closed = _closed(app)
    for route in facts.routes:
        if "POST" not in route.methods or (route.view, route.path) in closed:
            continue
        told = tells_of_messages(facts, route.view) or tells_of_events(facts, route.view)
        if not told and (not _is_webhook(route) or _takes_a_target(facts, route)):
            continue
        if found := _judged(facts, route):
            yield Hit(found, route.span)
        for span in believed_all_the_same(facts, _functions(facts, route)):
            yield Hit("the webhook is believed although its signature was not found right", span)
        for span in noted_and_believed(facts, _functions(facts, route)):
            yield Hit("the webhook is believed although its signature was not found right", span)
        for span in _never_asked(facts, route):
            yield Hit("nothing looks at whether the signature was right", span)
        for span in believed_unset(facts, _functions(facts, route)):
            yield Hit("the webhook is believed where no secret is set", span)
        for span in lets_unsigned_in(facts, _functions(facts, route)):
            yield Hit("the webhook is believed where it brings no signature at all", span)
    yield from _outgoing(facts)


def _closed(app: App) -> set[tuple[str, str]]:
    """Routes at which a guard asks for a log-in or a token, wherever it hangs: who comes there is no stranger."""
    return {
        (route.view, route.path)
        for route in app.routes
        if (access := route.access.get("POST")) is not None
        and access.state == "guarded"
        and any(guard.kind != "view-body" and guard.stops for guard in access.guards)
    }


def _never_asked(facts: SourceFacts, route: SourceRoute) -> Iterator[Span]:
    """``from_provider()`` on a line of its own, which says whether a signature is right and raises nothing."""
    functions = _functions(facts, route)
    for name in sorted(functions):
        returns = facts.returns_of(name)
        if not returns or raised_in(facts, name) or not all(_says_whether(one.value) for one in returns):
            continue
        if not looks_at_a_proof(facts, name):
            continue  # what writes a log or a row says whether it could, and judges nobody
        for call in facts.calls(name):
            if call.function in functions and call.span is not None and stands_alone(facts, call):
                yield call.span


def _says_whether(value: Value) -> bool:
    return (
        is_constant(value, True, False)
        or (isinstance(value, Call) and value.method == "compare_digest")
        or isinstance(value, Truth)
    )


_COLLECTION: Final = re.compile(r"(?i)(?:^|[/_-])(?:web_?-?)?hooks/?$")
"""Where hooks are listed, made and taken away; what comes in goes to one of them."""


_MANAGED: Final = re.compile(
    r"(?i)(?:^|[/_-])(?:web_?-?)?hooks?[/_-](?:update|set|change|refresh|replace)(?:[_-]?all)?/?$"
)


_TARGET_FIELD: Final = re.compile(
    r"(?i)(?:(?:target|callback|endpoint|payload|hook|webhook|delivery)_?)?ur[il]|endpoint|target"
)


def _takes_a_target(facts: SourceFacts, route: SourceRoute) -> bool:
    """``POST /webhooks`` with a ``url`` in its body: whoever wants to be told of things says where; ``POST /webhook/update`` says it anew."""
    return (_COLLECTION.search(route.path) or _MANAGED.search(route.path)) is not None and any(
        _TARGET_FIELD.fullmatch(one.key)
        for one in facts.readings(*_READ_FROM)
        if one.function in (route.view, f"{route.view}.post")
    )


def _is_webhook(route: SourceRoute) -> bool:
    name = route.view.rpartition(".")[2]
    if _COLLECTION.search(route.path) and {"GET", "PUT", "PATCH", "DELETE"} & set(route.methods):
        return False
    return (
        _PATH.search(route.path) is not None
        or re.search(r"(?i)webhook|_hook$|^hook", name) is not None
        or is_incoming(route.path)
    ) and not _NOT.search(route.path)


def _judged(facts: SourceFacts, route: SourceRoute) -> str | None:
    functions = _functions(facts, route)
    names = _reached(facts, route, functions)
    if not _uses_body(facts, functions):
        return None
    checks = (name for name in names if _CHECKS.fullmatch(name) and not asks_nothing(facts, name))
    if not any(True for _ in checks) and not _asks_sender(facts, functions):
        return "the webhook believes its body without a signature" if not _compares(facts, functions) else None
    keys = [
        one.key.lower()
        for one in facts.readings("flask.request.headers")
        if one.function == route.view or one.function in functions
    ]
    by_hand = any(name in ("hmac.new", "hmac.digest") for name in names)
    timed = any(
        name.startswith("time.") or "datetime" in name or "timestamp" in name.rpartition(".")[2].lower()
        for name in names
    )
    if by_hand and any("timestamp" in key for key in keys) and not timed:
        return "the webhook's time is signed and never looked at, so that it can be sent again"
    return None


def _asks_sender(facts: SourceFacts, functions: set[str]) -> bool:
    """``post("/v1/notifications/verify-webhook-signature", …)``: the service itself says whether it was its own; or ``payments.get(id)``: what
    is believed is what the service says of the one thing that was named."""
    return any(
        _FETCHES.match(call.callee) is not None and any(facts.derives(one, "request-data") for one in call.args)
        for function in functions
        for call in facts.calls_in(function)
    ) or any(
        _VERIFIES.search(text_of(part) or "") is not None
        for function in functions
        for call in facts.calls_in(function)
        for passed in call.args[:2]
        for part in walk(passed, 3)
    )


def _reached(facts: SourceFacts, route: SourceRoute, functions: set[str]) -> set[str]:
    """Names of everything that runs on the way: decorators, hooks, the view, and what they call."""
    names = {one.name for one in route.decorators} | set(route.hooks)
    for function in functions:
        found = facts.function(function)
        if found is not None:
            names |= set(found.calls) | {one.name for one in found.decorators}
    return names


def _functions(facts: SourceFacts, route: SourceRoute, depth: int = 4) -> set[str]:
    seen: set[str] = set()
    wanted = [route.view, f"{route.view}.post", *route.hooks, *(one.name for one in route.decorators)]
    for _ in range(depth):
        more: list[str] = []
        for name in wanted:
            found = facts.function(name)
            if found is not None and name not in seen:
                seen.add(name)
                more += [*found.calls, *(one.name for one in found.decorators)]
                more += (
                    [one.name for one in facts.functions() if one.name.startswith(name + ".")] if len(seen) < 6 else []
                )
        wanted = more
    return seen


def _uses_body(facts: SourceFacts, functions: set[str]) -> bool:
    names = {name for function in functions if (found := facts.function(function)) for name in found.calls}
    if any(name.startswith(("flask.request.get_json", "flask.request.get_data")) for name in names):
        return True
    if any(_hands_on(call) for function in functions for call in facts.calls_in(function)):
        return True
    read = [one for one in facts.readings() if one.function in functions]
    return any(one.source.startswith(_READ_FROM) or (_KIND.search(one.key) and "headers" in one.source) for one in read)


def _hands_on(call: Call) -> bool:
    """``json.loads(request.data)``, ``request.data.decode()``"""
    given = (*call.args, *(value for _, value in call.keywords), *((call.receiver,) if call.receiver else ()))
    if call.callee.rpartition(".")[0] in _WHOLE_BODIES and call.method in ("decode", "read"):
        return True
    return any(isinstance(part, Name) and part.dotted in _WHOLE_BODIES for one in given for part in walk(one, 3))


def _compares(facts: SourceFacts, functions: set[str]) -> bool:
    """That a secret of the header or path is held against something, though not well: another rule speaks of that."""
    return any(
        comparison.function in functions
        and (
            any(
                facts.derives(side, "request-header", "authorization-header") and not _says_kind(side)
                for side in (comparison.left, comparison.right)
            )
            or _of_the_path(comparison.left, comparison.right)
            or _of_the_path(comparison.right, comparison.left)
            or _is_sender_asked(facts, comparison.left, comparison.right)
            or _is_sender_asked(facts, comparison.right, comparison.left)
        )
        for comparison in facts.comparisons("==", "!=")
    )


def _is_sender_asked(facts: SourceFacts, answer: Value, right: Value) -> bool:
    """``answer.text == "VERIFIED"``: what came was sent back, and whoever sends such says whether it is its own."""
    said = text_of(right)
    return said is not None and _VERIFIED.fullmatch(said) is not None and facts.derives(answer, "upstream")


def _of_the_path(given: Value, kept: Value) -> bool:
    """``project.webhook_secret != secret``: a part of the path that only the sender was told."""
    return isinstance(given, Parameter) and isinstance(kept, Member) and _SECRET.search(kept.attribute) is not None


def _says_kind(value: Value) -> bool:
    """``X-GitHub-Event``, ``Content-Type``: headers that say what comes, and prove nothing."""
    return any(isinstance(one, Item) and _KIND.search(text_of(one.key) or "") is not None for one in walk(value, 4))


def _outgoing(facts: SourceFacts) -> Iterator[Hit]:
    """A stored address of somebody else's service that is called with nothing that judges it."""
    for flow in facts.flows("outbound-url"):
        if "post" not in flow.detail and "request" not in flow.detail:
            continue
        if any(_is_target(one) for one in walk(flow.value, 4)) and not _is_guarded(facts, flow.function):
            yield Hit(
                "the target of this webhook was never held against a list of hosts: look who says it",
                flow.span,
                certainty="possible",
                severity="low",
            )


def _is_target(value: Value) -> bool:
    if isinstance(value, Member):
        return _OUT.fullmatch(value.attribute) is not None or (
            value.attribute in ("url", "uri", "target", "endpoint", "address", "callback")
            and any(_HOOK.search(word) for word in _words(value.owner))
        )
    return isinstance(value, Item) and _OUT.fullmatch(text_of(value.key) or "") is not None


def _words(owner: Value) -> Iterator[str]:
    """What the thing is called: by its own name, or by the model that a query reads it from."""
    yield owner.name or getattr(owner, "parameter", "")
    for part in walk(owner, 6):
        if isinstance(part, Name):
            yield part.dotted.rpartition(".")[2]
        elif isinstance(part, Call):
            yield from part.callee.split(".")  # ``Subscription.query.filter_by``


def _is_guarded(facts: SourceFacts, function: str) -> bool:
    """That the host is held against a list: before the call, or by a view when the target is registered."""
    return any(_GUARDS.fullmatch(call.method) for call in facts.calls_in(function)) or any(
        (comparison.function == function or facts.routes_reaching(comparison.function))
        and (
            any(getattr(one, "attribute", "") in ("hostname", "netloc") for one in walk(comparison.left, 4))
            or _lists_addresses(comparison.right)
        )
        for comparison in facts.comparisons("in", "not in")
    )


def _lists_addresses(value: Value) -> bool:
    """``("https://a.example/hook", "https://b.example/hook")``"""
    return (
        isinstance(value, Sequence)
        and not value.open
        and bool(value.items)
        and all((text_of(one) or "").startswith(("https://", "http://")) for one in value.items)
    )


RULE = Rule(
    slug="webhook-not-verified",
    family="ssrf",
    title="Webhook believed without its signature",
    harm=__doc__ or "",
    severity="high",
    check="unsafe-consumption",
    cwe=(345,),
    owasp="API10:2023",
    asvs=("V4.1.5",),
    surfaces=("source",),
    ends="Stopper's `stopper.outbound` signs and verifies webhooks, with a time limit against replay.",
    certainty="likely",
    detect=detect,
)
