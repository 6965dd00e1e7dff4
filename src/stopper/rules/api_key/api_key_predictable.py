"""Somebody computes or tries the next key, and is let in with it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from math import log2
from typing import Final, cast

from stopper.core.app import App, Route
from stopper.core.edits.random_edits import NUMBERS, from_the_system
from stopper.core.exchange import Exchange, Request
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.glimpses import most_characters
from stopper.core.flow.passed_keywords import passed_as
from stopper.core.flow.whole_numbers import least_number
from stopper.core.keys.api_key_names import is_key_name, makes_keys, reads_keys
from stopper.core.keys.digests_of_known_things import digest_of_known_things
from stopper.core.keys.drawn_codes import is_key_part
from stopper.core.keys.looked_up_keys import looked_up_keys
from stopper.core.keys.new_keys import digests_kept, given_out_with_digest
from stopper.core.keys.random_picks import is_picked, picks
from stopper.core.keys.worked_out import clock_of, how_made
from stopper.core.login_names import KEY_NAMES, TOKEN_NAMES, named
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Identity, Steps, Target, failed, not_applicable, passed, send, undo, unsure
from stopper.core.probing.accounts.login import ENTERED, REGISTERED
from stopper.core.probing.baseline import attempt, candidates
from stopper.core.probing.inputs import members
from stopper.core.probing.things.objects import ids, plain_members
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import (
    Call,
    Item,
    Mapping,
    Member,
    Parameter,
    Sequence,
    Truth,
    Value,
    options,
    parts,
    text_of,
)

_API_KEY: Final = re.compile(r"(?i)api_?key")
_OTHER_KEYS: Final = re.compile(r"(?i)cache|secret_key|public|session|storage|s3|file")
_ABOUT_KEYS: Final = re.compile(
    r"(?i)api_?key|(?:create|generate|issue|rotate|new|make)_key"
    r"|(?:^|[._])keys?_?(?:repo(?:sitory)?|store|service|manager|registry|factory)?\.(?:create|issue|generate|new|make|mint|rotate)"
)
LEAST_BYTES: Final = 16
"""128 bits: OWASP ASVS 11.5.1."""
_WEAK: Final = re.compile(
    r"(?:numpy\.)?random\.(?!SystemRandom)\w+(?:\.\w+)?|uuid\.uuid[135](?:\.\w+)?|time\.time(?:_ns)?|datetime\.datetime\.(?:now|utcnow|today|timestamp)|datetime\.(?:now|utcnow)|datetime\.date\.today(?:\.\w+)?"
)
_STRONG: Final = re.compile(
    r"secrets\.\w+|os\.urandom|uuid\.uuid4(?:\.\w+)?|random\.SystemRandom(?:\.\w+)?|.*\.SystemRandom\.\w+|cryptography\..*"
)
_MAKES: Final = re.compile(
    r"(?i)(?:generate|make|create|new|issue|mint|gen|random|build|rotate)_(?:\w+_)?(?:key|token)s?|(?:\w+_)?key_?gen\w*"
)
_ISSUES: Final = re.compile(r"(?i)(?:issue|create|generate|new|make|mint|rotate|build)(?:_|$)")
LEAST_LETTERS: Final = 16
"""Fewer letters, digits and signs picked one by one hold less than 96 bits."""
_RECORD: Final = re.compile(r"(?:^|\.)[A-Z](?!UID|ystemRandom)\w*$|jwt\.encode$|\.dumps$")
"""What is made of several things, or signed: a time in it says nothing of the whole."""
_SHORT: Final = frozenset({"secrets.token_hex", "secrets.token_urlsafe", "secrets.token_bytes", "os.urandom"})


def detect(app: App) -> Iterator[Hit]:
    """Keys whose value comes from a generator that is not made for secrets, or from too few bytes."""
    facts = source_of(app)
    if not facts.imports("random", "uuid", "time", "datetime", "secrets", "os", "numpy", "hashlib"):
        return
    seen: set[tuple[str, int]] = set()
    made = [*_made(facts)]
    made += [
        (one.value, one.span) for value, _ in made if isinstance(value, Call) for one in facts.returns_of(value.callee)
    ]
    for value, fallback in made:
        for span, message in (*_judged(facts, value, fallback), *_few_letters(facts, value)):
            if (span.path, span.line) not in seen:
                seen.add((span.path, span.line))
                yield Hit(message, span)


def _made(facts: SourceFacts) -> Iterator[tuple[Value, Span]]:
    """What becomes a key: by the name it is given, by the argument it is, or by the function that returns it."""
    at_keys = makes_keys(facts)
    for one in facts.assignments():
        if is_key_name(one.attribute) or (
            one.attribute.lower() in ("key", "raw_key", "raw", "token")
            and (_about_keys(one.function) or one.function in at_keys)
        ):
            yield one.value, one.span
    for returned in facts.returns():
        last = returned.function.rpartition(".")[2]
        if (
            (_MAKES.fullmatch(last) and "key" in last.lower())
            or (_ISSUES.match(last) and _about_keys(returned.function))
        ) and not _OTHER_KEYS.search(last):
            yield returned.value, returned.span
        for said in _answered(returned.value):
            yield from ((held, returned.span) for key, held in said.items if is_key_name(text_of(key) or ""))
    for call, name, value in passed_as(facts, lambda name: name == "key" or is_key_name(name)):
        keyed = is_key_name(name) or _API_KEY.search(call.callee) or call.function in at_keys
        if keyed and call.span is not None:
            yield value, call.span
    yield from digests_kept(facts)
    yield from given_out_with_digest(facts) if reads_keys(facts) else ()
    for model, column in looked_up_keys(facts):
        for call in facts.calls(model):
            if (held := call.keyword(column)) is not None and call.span is not None:
                yield held, call.span
    for found in facts.classes():
        for name, value in found.attributes.items():
            if (
                is_key_name(name)
                and isinstance(value, Call)
                and (default := value.keyword("default")) is not None
                and value.span
            ):
                yield default, value.span


def _is_drawn_inside(facts: SourceFacts, call: Call) -> bool:
    """``Keys().create(owner, utcnow() + days)`` that gives back what it draws itself: the time it is told is no part of the key."""
    given = facts.returns_of(call.callee)
    drawn = [[_STRONG.fullmatch(getattr(part, "callee", "")) for part in _material(one.value)] for one in given]
    return bool(drawn) and all(map(any, drawn))


def _answered(value: Value) -> Iterator[Mapping]:
    """``return {"api_key": key}, 201`` and ``jsonify({"api_key": key})``."""
    for one in options(value):
        first = one.items[0] if isinstance(one, Sequence) and one.items else one
        held = first.args[0] if isinstance(first, Call) and first.callee == "flask.jsonify" and first.args else first
        if isinstance(held, Mapping):
            yield held


def _about_keys(function: str) -> bool:
    return _ABOUT_KEYS.search(".".join(function.rsplit(".", 2)[-2:])) is not None


def _judged(facts: SourceFacts, value: Value, fallback: Span) -> Iterator[tuple[Span, str]]:
    if is_picked(value):
        return
    if isinstance(value, Mapping):  # a time beside the key says nothing of it
        for key, held in value.items:
            name = text_of(key) or ""
            if is_key_name(name) or name.lower() in ("key", "raw_key", "token"):
                yield from _judged(facts, held, fallback)
        return
    inner = list(_material(value))
    calls = [one for one in inner if isinstance(one, Call) and not picks(one)]
    names = [one.callee for one in calls] + [getattr(one, "dotted", "") for one in inner]
    strong = any(map(_STRONG.fullmatch, names)) or any(_is_drawn_inside(facts, one) for one in calls)
    if not strong:
        weak = next((name for name in names if _WEAK.fullmatch(name)), None)
        if weak is not None and not any(isinstance(one, (Parameter, Member)) and is_key_part(one) for one in inner):
            where = next((one.span for one in calls if one.callee == weak and one.span), None) or fallback
            yield where, f"a key is made with {weak}, which can be computed"
        elif weak is None and (digest := digest_of_known_things(calls)) is not None:
            yield digest.span or fallback, "a key is made of what others know too"
        return
    drawn = [one for one in calls if _STRONG.fullmatch(one.callee)]
    sizes = [_bytes_of(facts, one) for one in drawn]
    if len(drawn) > 1 and 0 < sum(sizes) < LEAST_BYTES and all(sizes):
        yield drawn[-1].span or fallback, f"a key holds only {8 * sum(sizes)} random bits"
    for call in calls:
        asked = _bytes_of(facts, call)
        if 0 < asked < LEAST_BYTES and len([one for one in calls if _STRONG.fullmatch(one.callee)]) == 1:
            yield call.span or fallback, f"a key holds only {8 * asked} random bits"
    if any(_bytes_of(facts, one) >= LEAST_BYTES for one in drawn) and len(drawn) > 1:
        return  # what is cut stands beside it
    for one in inner:
        if (
            isinstance(one, Item)
            and (size := most_characters(one)) is not None
            and size < LEAST_BYTES
            and any(isinstance(part, Call) and _STRONG.fullmatch(part.callee) for part in _material(one.owner))
        ):  # not ``name[:3]``, which stands before it
            yield one.span or fallback, "a random text is cut so short that a key can be found by trying"


def _bytes_of(facts: SourceFacts, call: Call) -> int:
    """How many bytes are drawn; 0 where it cannot be seen."""
    return (least_number(facts, call.argument(0, "nbytes")) or 0) if call.callee in _SHORT else 0


def _few_letters(facts: SourceFacts, value: Value) -> Iterator[tuple[Span, str]]:
    """``"".join(secrets.choice(letters) for _ in range(6))``."""
    for one in _material(value):
        if not isinstance(one, Call) or one.method != "choice" or one.span is None:
            continue
        for counted in facts.calls_in(one.function):
            size = counted.args[0] if counted.callee == "range" and len(counted.args) == 1 else None
            near = counted.span is not None and abs(counted.span.line - one.span.line) <= 2
            letters = least_number(facts, size) if near else None
            if letters is not None and letters < LEAST_LETTERS:
                yield one.span, f"a key of {letters} letters can be found by trying"


def _material(value: Value, depth: int = 8) -> Iterator[Value]:
    """The value and what it is made of; a record that is made of several things is none of them, and neither is what a row was found by."""
    yield value
    if depth == 0 or isinstance(value, Truth) or _is_answered(value):
        return
    if isinstance(value, Call) and _RECORD.search(value.callee):
        return
    for part in parts(value):
        yield from _material(part, depth - 1)


def _is_answered(value: Value) -> bool:
    """``sts.assume_role(RoleSessionName=…)["Credentials"]["SecretAccessKey"]``: a field of an answer is not made of what was asked."""
    return (
        isinstance(value, Item)
        and text_of(value.key) is not None
        and any(isinstance(one, Call) or _is_answered(one) for one in options(value.owner))
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """The system's generator, where a number of ``random`` or ``uuid1`` is used in the place itself."""
    calls = source_of(app).calls_matching(NUMBERS)
    return from_the_system(calls, hit.span) if hit.span is not None else None


# -- on the wire -----------------------------------------------------------------------------------------------------------------

LEAST_BITS: Final = 112
"""A version 4 UUID holds 122. What is less can be tried or was never meant as a secret."""
SAMPLES: Final = 3
ROUTES: Final = {"quick": 1, "standard": 2, "deep": 4}
_CREATES: Final = re.compile(r"(?i)(?:^|[/_-])(?:api[-_]?)?(?:keys?|tokens?)(?:[/_-](?:new|create|generate|issue))?/?$")
_MEMBERS: Final = frozenset({"key", "raw_key", "raw", "token", "secret", "value"})
_UUID1: Final = re.compile(r"(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?1[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?([0-9a-f]{12})")


def probe(target: Target) -> Steps[Verdict]:
    """Have three keys made, and see how much of them differs. They are deleted again where a route deletes them. What people of the scan were
    given is held against all that can be worked out of who they are."""
    if (known := _worked_out(target)) is not None:
        return known
    if target.mode != "active":
        return not_applicable("only mode active has keys made")
    seen = 0
    routes = [pair for pair in candidates(target, ("POST",)) if _CREATES.search(pair[0].path)]
    for route, method in routes[: ROUTES[target.depth]]:
        made = yield from attempt(_made_by(target, route, method))
        if not made:
            continue
        seen += 1
        if reason := weakness([value for value, _ in made]):
            evidence = [Evidence("exchange", f"key {number}", one) for number, (_, one) in enumerate(made, 1)]
            ref = RouteRef(method, route.path)
            return failed(f"{ref} makes keys that can be found: {reason}", [ref], evidence)
    if not seen:
        return (
            unsure("no route that makes a key answered with one") if routes else not_applicable("no route makes keys")
        )
    return passed(f"{seen} routes make keys that differ in {LEAST_BITS} bits or more")


def _worked_out(target: Target) -> Verdict | None:
    """The verdict on a key or token that somebody was given and that is made of the own name, a number or the time."""
    for name, entry in list(target.notes.items()):
        if not name.startswith((ENTERED, REGISTERED)) or not isinstance(entry, tuple):
            continue
        route, answer = cast("tuple[Route, Exchange]", entry)
        text = named(answer.response.json(), (*KEY_NAMES, *TOKEN_NAMES)) if answer.response.succeeded else None
        person = _named(target, name)
        if text is None and _token_of(target, name) is not None and answer.response.succeeded:
            text = _token_of(target, name)  # called otherwise, and shown all the same
        words = [value for value in members(answer.request).values() if isinstance(value, str)]
        words += [one for one in (person.subject, person.name) if one] if person is not None else []
        words = [
            word for word in words if person is None or person.password is None or word != person.password.reveal()
        ]
        if text is None or "." in text:
            continue
        told = [value for _, value in plain_members(answer.response.json()) if isinstance(value, str) and value != text]
        reason = how_made(text, words, clock_of(answer.response))
        if reason is None and (by_itself := how_made(text, told, 0)) is not None:
            reason = by_itself.replace("its owner's name", "what the same answer says")
        if reason is not None:
            ref = RouteRef(answer.request.method, route.path)
            shown = Evidence("exchange", "what it gives out is worked out again from what is known", answer)
            return failed(f"{ref} gives out what anybody can work out: {reason}", [ref], [shown])
    return None


def _named(target: Target, note: str) -> Identity | None:
    return next((one for one in target.identities if note.endswith(f":{one.name}")), None)


def _token_of(target: Target, note: str) -> str | None:
    """What the person of a note shows as a token."""
    person = _named(target, note)
    return person.token.reveal() if person is not None and person.token is not None else None


def _made_by(target: Target, route: Route, method: str) -> Steps[list[tuple[str, Exchange]]]:
    """The keys that the route makes, one after the other; each is taken back."""
    request = target.request_for(route, method)
    found: list[tuple[str, Exchange]] = []
    for who in (None, *target.identities[:1]):
        for _ in range(SAMPLES):
            exchange = yield from send(who.on(request) if who else request)
            if not exchange.response.succeeded:
                break
            yield from _taken_back(target, route, request, exchange, who)
            if key := _key_in(exchange.response.json()):
                found.append((key, exchange))
        if found:
            break
    return found if len(found) == SAMPLES else []


def _taken_back(
    target: Target, route: Route, request: Request, exchange: Exchange, who: Identity | None
) -> Steps[None]:
    """Have the new key deleted at the end, where its answer names an id and a route deletes by it."""
    for one in target.app.routes:
        stem, _, last = one.path.rpartition("/")
        if "DELETE" not in one.methods or stem != route.path.rstrip("/") or not last.startswith("{"):
            continue
        number = next(ids(exchange.response.json(), last.strip("{}")), None)
        if number is not None:
            path = request.target.partition("?")[0].rstrip("/")
            gone = replace(request, method="DELETE", target=f"{path}/{number}", body=b"", effect="write")
            yield from undo(who.on(gone) if who else gone)
            return


def _key_in(value: object, depth: int = 3) -> str | None:
    """The text of a member that is called a key."""
    if depth == 0 or not isinstance(value, dict):
        return None
    members = cast("dict[str, object]", value)
    for name, inner in members.items():
        if (
            (is_key_name(name) or name.lower() in _MEMBERS)
            and isinstance(inner, str)
            and re.fullmatch(r"\S{4,}", inner)
        ):
            return inner
    return next((found for inner in members.values() if (found := _key_in(inner, depth - 1))), None)


def weakness(keys: list[str]) -> str | None:
    """Why keys made one after the other can be found: by their form, or because too little of them differs."""
    if len(set(keys)) < len(keys):
        return None  # the same key again was not made
    clocks = [_UUID1.search(one) for one in keys]
    if all(clocks) and len({one[1] for one in clocks if one}) == 1:
        return "each holds the time and one network card (a version 1 UUID)"
    start = _common(keys)
    end = _common([one[start:][::-1] for one in keys])
    bits = max(_bits(one[start : len(one) - end]) for one in keys)
    return f"they differ in {bits:.0f} bits at most" if bits < LEAST_BITS else None


def _common(texts: list[str]) -> int:
    """How many first characters all texts share."""
    columns = zip(*texts, strict=False)
    return next((number for number, column in enumerate(columns) if len(set(column)) > 1), min(map(len, texts)))


def _bits(text: str) -> float:
    """The most that a text of such characters can hold."""
    sizes = ((r"[0-9]*", 10), (r"(?:[0-9a-f]*|[0-9A-F]*)", 16), (r"(?:[0-9a-z]*|[0-9A-Z]*)", 36), (r"[0-9A-Za-z]*", 62))
    size = next((size for pattern, size in sizes if re.fullmatch(pattern, text)), 66)
    return len(text) * log2(size)


RULE = Rule(
    slug="api-key-predictable",
    family="api-key",
    title="API key made by a predictable generator, or too short",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(338,),
    owasp="API2:2023",
    asvs=("V11.5.1",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's keys for `@api_key` come from the system's generator and are too long to be tried.",
    certainty="certain",
    detect=detect,
    fix=fix,
    probe=probe,
)
