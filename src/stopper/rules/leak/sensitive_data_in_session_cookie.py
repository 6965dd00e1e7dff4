"""Everybody who holds the cookie reads the tokens and data in it."""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterator
from typing import Final, cast

from stopper.core.account_names import LOGS_IN
from stopper.core.app import App, Route
from stopper.core.exchange import Exchange
from stopper.core.fact import Flow
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.passing import callers
from stopper.core.guards.session_keeping import is_kept_on_server
from stopper.core.keys.new_keys import MAKERS
from stopper.core.labels import CREDENTIALS
from stopper.core.login_names import PASSWORD
from stopper.core.naming import sensitive
from stopper.core.personal import is_personal
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.accounts.login import ENTERED
from stopper.core.probing.provoke import asked_honestly
from stopper.core.probing.things.objects import plain_members
from stopper.core.rule import Hit, Rule
from stopper.core.stores.whole_records import shows_all_fields
from stopper.core.values import (
    NAMED,
    Call,
    Constant,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Truth,
    Value,
    options,
    text_of,
    walk,
)

_HARMLESS: Final = re.compile(r"(?i)csrf|xsrf|nonce|state|e_?mail$|_id$|next|flash")
_PHONE: Final = re.compile(r"(?i)(?:phone|mobile|tele?phone|msisdn)(?:_?(?:number|no))?")
_CODE: Final = re.compile(
    r"(?i)^(?:otp|totp|pin|captcha(?:_(?:text|answer|solution))?)$|(?:^|_)(?:otp|pin|reset|verif\w*|2fa|mfa|sms|login|confirm\w*|one_?time|security|recovery|magic)_?codes?$|_otp$"
)
"""What is sent to a person's mail or phone, and must not be read by whoever holds the cookie."""
_CARD: Final = re.compile(
    r"(?i)^(?:card_?(?:number|no|nr)|cc_?(?:number|num)|cvc2?|cvv2?|csc|iban|account_number|bsn|nin|tax_?number)$"
)
"""What pays, and the numbers that countries give to people."""
_HASH: Final = re.compile(r"(?i)(?:^|_)(?:pw|pwd|pass)_?hash(?:ed)?$")
_ANSWER: Final = re.compile(r"(?i)(?:^|_)(?:security|secret|recovery)_?answer$")
_SEEDS: Final = re.compile(r"pyotp\.random_(?:base32|hex)")
"""What makes the seed of one-time codes."""
_GRANTS: Final = frozenset(
    {
        "authorize_access_token",
        "fetch_token",
        "fetch_access_token",
        "acquire_token_by_authorization_code",
        "refresh_token",
    }
)
_FORMS: Final = frozenset(
    {"flask.request.form", "flask.request.form.to_dict", "flask.request.get_json", "flask.request.json"}
)
_OF_A_FORM: Final = re.compile(r"(?i)sign_?up|regist|log_?in|credential|payment|checkout|account")
LARGEST: Final = 65536


def detect(app: App) -> Iterator[Hit]:
    """A credential or a personal field that is put into the session of Flask, where that is a cookie."""
    facts = source_of(app)
    for flow in facts.flows("cookie"):
        if any(_is_signed_secret(part) for part in walk(flow.value, 3)):
            yield Hit("a signed cookie holds this, and its holder can read it", flow.span, certainty="likely")
    if is_kept_on_server(facts):
        return
    seen: set[tuple[str, int]] = set()
    for flow in facts.flows("session"):
        by_key = is_secret_name(flow.detail) or _holds_secret_name(flow.value) or _is_grant(flow.value)
        by_key = by_key or _is_row_of_person(flow.value) or _is_seed(flow.value)
        by_key = by_key or _pours_secret_name(facts, flow.value) or shows_all_fields(facts, flow.value)
        by_key = by_key or (_OF_A_FORM.search(flow.detail) is not None and _is_whole_form(flow.value))
        if flow.detail and _HARMLESS.search(flow.detail):
            continue
        if _PHONE.fullmatch(flow.detail) and _lets_in(facts, flow.function):
            continue  # by it the account is known, as elsewhere by its address
        if _is_shown(facts, flow):
            continue
        made = flow.value.method if isinstance(flow.value, Call) else flow.value.name
        if _CODE.search(flow.detail) and sensitive(made) == "token":
            continue  # it says which code is meant, and the code lies elsewhere
        hashed = any(
            isinstance(one, Call) and one.callee.startswith(("hashlib.", "hmac.", "bool", "len"))
            for one in walk(flow.value, 3)
        )
        if (
            hashed
            or _says_yes_or_no(flow.value)
            or _is_nothing_new(facts, flow.value)
            or not (by_key or flow.has(*CREDENTIALS))
            or (flow.span.path, flow.span.line) in seen
        ):
            continue
        if not by_key and flow.by_name_only(*CREDENTIALS) and flow.detail:
            continue
        drawn = all(map(_is_drawn_here, options(flow.value)))
        if drawn and _is_of_forms(facts, flow.detail):
            continue
        seen.add((flow.span.path, flow.span.line))
        message = "this goes into the session cookie, which its holder can read"
        if not _CODE.search(flow.detail) and drawn:
            message = f"{message}: look whether it opens more than this session"
            yield Hit(message, flow.span, certainty="possible", severity="low")
        else:
            yield Hit(message, flow.span, certainty="likely")


def _pours_secret_name(facts: SourceFacts, value: Value) -> bool:
    """``remember(card_number=…)`` of a function that writes all its ``**fields`` into the session."""
    poured = (one for one in walk(value, 3) if isinstance(one, Parameter) and one.index == NAMED)
    return any(
        is_secret_name(name)
        for one in poured
        for call in callers(facts, one.function)
        for name, _ in call.keywords
        if name != "**"
    )


def _is_seed(value: Value) -> bool:
    return any(isinstance(one, Call) and _SEEDS.fullmatch(one.callee) for one in options(value))


def _is_row_of_person(value: Value) -> bool:
    """``dict(row)`` of all columns of a table of people, the hash of the password among them."""
    row = value.args[0] if isinstance(value, Call) and value.callee == "dict" and len(value.args) == 1 else None
    if (
        isinstance(value, Mapping) and value.open and len(value.items) == 1
    ):  # ``{name: row[name] for name in row.keys()}``
        held = value.items[0][1]
        row = held.owner if isinstance(held, Item) and text_of(held.key) is None else None
    return (
        isinstance(row, Call)
        and row.method in ("fetchone", "first", "one")
        and any(_ALL_OF_PEOPLE.match(text_of(part) or "") for part in walk(row, 4))
    )


_ALL_OF_PEOPLE: Final = re.compile(
    r"(?i)\s*select\s+\*\s+from\s+[\"`]?(?:users?|accounts?|members?|customers?|people|persons?|employees?|admins?|patients?)\b"
)


def _is_shown(facts: SourceFacts, flow: Flow) -> bool:
    """``session["key"] = key`` before ``return {"value": key}``: whoever holds the cookie is told it in the same answer."""
    made = flow.value.parts if isinstance(flow.value, Format) else (flow.value,)
    places = {one.span for one in made if isinstance(one, Call) and one.span is not None}
    bodies = [_body(one.value) for one in facts.returns_of(flow.function)]
    shown = [
        held for one in bodies for held in ([value for _, value in one.items] if isinstance(one, Mapping) else [one])
    ]
    inside = [part for held in shown for part in (held.parts if isinstance(held, Format) else (held,))]
    return any(isinstance(part, Call) and part.span in places for part in inside)


def _body(value: Value) -> Value:
    """What is answered, without the status beside it."""
    return value.items[0] if isinstance(value, Sequence) and value.items else value


def _is_of_forms(facts: SourceFacts, key: str) -> bool:
    """That a hook holds what a form or header brings against it, whatever it is called: it tells the own pages' requests apart, and opens nothing."""
    hooks = {hook for route in facts.routes for hook in route.hooks}
    pairs = [
        (call.args[0], call.args[1])
        for call in facts.calls("*.compare_digest")
        if len(call.args) == 2 and call.function in hooks
    ]
    pairs += [(one.left, one.right) for one in facts.comparisons("==", "!=") if one.function in hooks]
    return bool(key) and any(
        any(_is_kept_under(part, key) for part in walk(kept, 4))
        and facts.derives(sent, "request-data", "request-header", by_name=False)
        for pair in pairs
        for kept, sent in (pair, pair[::-1])
    )


def _is_kept_under(value: Value, key: str) -> bool:
    of_session = isinstance(value, Item) and isinstance(value.owner, Name) and value.owner.dotted == "flask.session"
    return of_session and isinstance(value, Item) and text_of(value.key) == key


def _lets_in(facts: SourceFacts, function: str) -> bool:
    return any(LOGS_IN.search(route.path) for route in facts.routes_of_view(function))


def _is_drawn_here(value: Value) -> bool:
    """A random text that was made for this, as against forged forms: a credential of somebody is none."""
    return isinstance(value, Call) and (
        MAKERS.fullmatch(value.callee) is not None
        or (value.receiver is not None and value.method == "hex" and _is_drawn_here(value.receiver))
    )


def _is_grant(value: Value, depth: int = 2) -> bool:
    """What a provider of log-ins gave for a code: tokens, all of them; also as a member of a record."""
    return any(
        (isinstance(one, Call) and one.method in _GRANTS)
        or (
            isinstance(one, Mapping)
            and depth > 0
            and any(_is_grant(held, depth - 1) for key, held in one.items if not _HARMLESS.search(text_of(key) or ""))
        )
        for one in options(value)
    )


def _is_whole_form(value: Value) -> bool:
    said = value.callee if isinstance(value, Call) else value.dotted if isinstance(value, Name) else ""
    inner = value.args[0] if isinstance(value, Call) and said == "dict" and value.args else None
    return said in _FORMS or (inner is not None and _is_whole_form(inner))


def _is_signed_secret(value: Value) -> bool:
    """``signer.dumps({"password": …})`` of itsdangerous: signed, and readable."""
    signs = isinstance(value, Call) and value.method == "dumps" and value.callee.startswith("itsdangerous.")
    return isinstance(value, Call) and signs and any(_holds_secret_name(one) for one in value.args[:1])


def _holds_secret_name(value: Value, depth: int = 3) -> bool:
    """That a record has such a member: ``{"ssn": …}``, ``asdict(Person(form["ssn"]))``, ``{"google": grant["access_token"]}``."""
    if depth == 0:
        return False
    for option in options(value):
        match option:
            case Mapping(items=items):
                told = [(text_of(key) or "", inner) for key, inner in items if not _says_yes_or_no(inner)]
            case Sequence(items=items):
                told = [("", inner) for inner in items]
            case Call(callee="dataclasses.asdict", args=(Call() as made, *_)):
                told = [*made.keywords, *((text_of(one.key) or "", one) for one in made.args if isinstance(one, Item))]
            case Item(key=Constant(value=str(key))):
                told = [(key, option)] if sensitive(key) or _CARD.search(key) else []
            case Member(attribute=key):
                told = [(key, option)] if _CARD.search(key) else []
            case _:
                continue
        if any(
            (name and is_secret_name(name)) or (inner is not option and _holds_secret_name(inner, depth - 1))
            for name, inner in told
        ):
            return True
    return False


def _says_yes_or_no(value: Value) -> bool:
    return all(
        isinstance(one, Truth) or (isinstance(one, Constant) and isinstance(one.value, bool)) for one in options(value)
    )


def _is_nothing_new(facts: SourceFacts, value: Value) -> bool:
    """``None``, an empty text, what lies in the session already, or the part of the address that whoever holds the cookie came by."""
    return all(
        (isinstance(one, Constant) and one.value in (None, "", 0))
        or (isinstance(one, Parameter) and facts.is_view(one.function) and facts.derives(one, "path-parameter"))
        or (isinstance(one, Item) and isinstance(one.owner, Name) and one.owner.dotted == "flask.session")
        for one in options(value)
    )


def is_secret_name(name: str) -> bool:
    """That a member of that name holds a credential or data of a person which a cookie should not hold."""
    return not _HARMLESS.search(name) and (
        sensitive(name) is not None
        or is_personal(name)
        or _CODE.search(name) is not None
        or _CARD.search(name) is not None
        or _HASH.search(name) is not None
        or _ANSWER.search(name) is not None
    )


def probe(target: Target) -> Steps[Verdict]:
    """Read the session cookies that answers set, as anybody can, and look for names of credentials with a value."""
    read = 0
    asked = yield from asked_honestly(target)
    seen = [(RouteRef(one.ref.method, one.ref.path), one.honest) for one in asked]
    for ref, answer in (*_log_ins(target), *seen):
        for header in answer.response.all_headers("Set-Cookie"):
            held = content_of(header.partition("=")[2].partition(";")[0].strip('"'))
            read += held is not None
            names = [name for name, value in plain_members(held) if _is_secret(name) and value not in (None, "", False)]
            if names:
                shown = Evidence("exchange", f"the cookie holds {', '.join(names[:4])}, readable by its holder", answer)
                return failed(f"{ref} puts {names[0]} into the session cookie", [ref], [shown])
    if not read:
        return not_applicable("no answer sets a session cookie of Flask")
    return passed(f"{read} session cookies hold no credential")


def _log_ins(target: Target) -> Iterator[tuple[RouteRef, Exchange]]:
    """The log-ins by which the scan's people came in: what a session holds of somebody stands there first."""
    for name, entry in list(target.notes.items()):
        if name.startswith(ENTERED) and isinstance(entry, tuple):
            route, answer = cast("tuple[Route, Exchange]", entry)
            yield RouteRef(answer.request.method, route.path), answer


def _is_secret(name: str) -> bool:
    return is_secret_name(name) or PASSWORD.search(name) is not None


def content_of(cookie: str) -> dict[str, object] | None:
    """What a session cookie of Flask holds: base64url of JSON, packed where it begins with a dot; None for anything else."""
    packed = cookie.startswith(".")
    parts = cookie.removeprefix(".").split(".")
    if len(parts) != 3 or not parts[0]:
        return None
    try:
        data = base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4))
        data = zlib.decompressobj().decompress(data, LARGEST) if packed else data
        found: object = json.loads(data)
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        return None
    return cast("dict[str, object]", found) if isinstance(found, dict) else None


RULE = Rule(
    slug="sensitive-data-in-session-cookie",
    family="leak",
    title="Secrets in the session cookie",
    harm="Everybody who holds the cookie reads the tokens and data in it.",
    severity="high",
    check="data-exposure",
    cwe=(315,),
    owasp="API8:2023",
    asvs=("V14.3.3",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's `@bearer` keeps nothing in a cookie.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
