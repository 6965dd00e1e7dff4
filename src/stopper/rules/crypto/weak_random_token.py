"""The next token can be worked out from a few that were seen."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal

from stopper.core.app import App
from stopper.core.deployment.desk_files import MADE_UP
from stopper.core.edits.random_edits import from_the_system
from stopper.core.facts import SourceFacts, source_of
from stopper.core.keys.drawn_codes import becomes_a_password, is_code, is_key_part, is_spelled
from stopper.core.keys.random_picks import is_picked, picks
from stopper.core.naming import HUMP
from stopper.core.place import Span
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.tokens.cookies_worked_out import cookies_worked_out
from stopper.core.tokens.jwt_names import ENCODING
from stopper.core.values import (
    Call,
    Constant,
    Format,
    Item,
    Mapping,
    Name,
    Unknown,
    Value,
    text_of,
    walk,
)

GENERATORS: Final = (
    r"(?:random|numpy\.random)(?:\.(?:Random|default_rng|RandomState|Generator))?\.(?:random|randint|randrange|choice|choices|sample|getrandbits|randbytes|uniform|shuffle|integers|bytes|triangular|gauss|\w+variate)"
    r"|uuid\.uuid1"
)
_CLOCKS: Final = (
    "time.time", "time.time_ns", "datetime.datetime.now", "datetime.datetime.utcnow", "time.monotonic", "os.getpid", "time.perf_counter",
)  # fmt: skip
_LAPS: Final = frozenset({"time.monotonic", "time.perf_counter"})
_HASH: Final = re.compile(r"hashlib\.\w+(?:\.\w+)*|.*(?:b64encode|urlsafe_b64encode)|uuid\.uuid[35]")
OPENS: Final = re.compile(
    r"(?i)(?:^|[_.]|(?<=[a-z]))(?:token|otp|totp|secret|secret_?key|passw(?:or)?d|passcode|pwd|nonce|salt|remember(?:ed)?_?me\d*|api_?key|signing_?key|encryption_?key|csrf\w*|pin|pin_?code|session_?id|sid"
    r"|(?:reset|verif\w*|confirm\w*|activation|auth\w*|login|invite|invitation|security|recovery|backup|one_?time|sms|email|mfa|2fa|two_factor|access|referral|coupon|voucher|gift|user|device|pairing|join)_?(?:code|key|link|hash|string)|invitation"
    r"|(?:share|public|file|document|upload|download|guest)_?(?:id|link|slug|key))s?$"
)
_MAKER: Final = re.compile(
    r"(?i)(?:^|_)(?:gen\w*|make|create|new|get|build|issue|random|send)_?(?:\w*_)?(?:token|otp|secret|secret_?key|password|passcode|api_?key|session_?id|pin|nonce|salt"
    r"|(?:reset|verif\w*|confirm\w*|activation|auth\w*|login|invite|security|recovery|backup|sms|one_?time)_?(?:code|key|link))s?$|^(?:token|otp|random_(?:token|password|key|secret))$"
)
_DRAWS: Final = re.compile(
    r"(?i)\.(text|line|point|arc|chord|ellipse|pieslice|polygon|rectangle|rotate|paste|crop|resize|putpixel|transform|sleep)$"
)
_KEYED: Final = re.compile(
    r"hmac\.\w+|.*\.(?:encrypt|sign|derive|getKey|get_key)|os\.urandom|secrets\.\w+|uuid\.uuid4|nacl\.\w+(?:\.\w+)*"
)
_FOR_ONCE: Final = re.compile(r"(?i)(?:nonce|salt)s?$")
"""They are counted up, and need not be hard to guess."""
_COUNTED: Final = ("pyotp.HOTP.at", "pyotp.hotp.HOTP.at", "pyotp.HOTP.generate_otp", "pyotp.hotp.HOTP.generate_otp")
_LETTERS: Final = frozenset({"hex", "str", "int", "oct", "round", "format", "repr"})
_SPELLS: Final = frozenset({"strftime", "isoformat", "timestamp", "hex", "replace", "format", "encode", "zfill"})
_PLAIN_WORDS: Final = frozenset({"value", "raw", "plain", "text", "data", "slug"})
_IN_PLACE: Final = frozenset({"code", "key", "link"})
_DOORS: Final = re.compile(
    r"(?i)(?:^|_)(?:forgot\w*|reset|recover\w*|invit\w*|verify|verification|activate|2fa|mfa|magic|otp)(?:_|$)"
)
_CODE: Final = re.compile(r"(?i)^code$")
_NOT_SECRET: Final = re.compile(
    r"(?i)tokens?_(?:count|limit|type|index)|(?:un|pad|eos|bos|mask|next)_?token|num_|_count$|tokens$"
)
_STATE: Final = re.compile(r"(?i)(?:oauth_?|oidc_?|login_?)?state")
"""What a provider of log-ins gives back, and a session keeps (RFC 6749 §10.12)."""
_STORES: Final = frozenset({"set", "setex", "hset", "psetex", "setnx"})
_ANNOUNCES: Final = re.compile(
    r"(?i)\b(?:code|otp|pin|passcode|password|token)(?: (?:to|for) (?:\w+ ){0,3}\w+)?\s*(?:is|[ie]st|:|=)\s*:?\s*(?:%\w|\{\w*\})?[.!]?\s*$"
)
"""``Your code is``, ``OTP:``, ``Your code for the log-in is:``"""
_ENTRY: Final = re.compile(r"(?:\w+[:/-])*?([a-zA-Z_]+)[:/-]")


def detect(app: App) -> Iterator[Hit]:
    """A number of ``random``, a time under a hash or ``uuid1`` that becomes something which opens a door."""
    facts = source_of(app)
    for place in cookies_worked_out(facts):
        yield Hit("what opens a door is worked out from the account's name alone", place)
    made = [call for call in facts.calls_matching(GENERATORS) if not picks(call)]
    if made:
        lengths = {
            part.span
            for call in facts.calls("secrets.token_hex", "secrets.token_urlsafe", "secrets.token_bytes", "os.urandom")
            for given in (*call.args, *(value for _, value in call.keywords))
            for part in walk(given, 3)
        }
        made = [call for call in made if call.span not in lengths]
        counts = {
            given.span for call in facts.calls(*_COUNTED) for given in call.args if isinstance(given, Call)
        }  # the code of a count depends on a key
        made = [call for call in made if call.span not in counts]
        kept = [one.value for one in facts.assignments() if is_picked(one.value)]
        picking = {part.span for item in kept if isinstance(item, Item) for part in walk(item.key, 4)}
        made = [call for call in made if call.span not in picking]
    clocks = facts.imports("time", "datetime")
    if clocks:
        hashes = list(facts.calls_matching(_HASH.pattern))
        made += [call for call in hashes if _is_of_a_clock(call)]
    if not made and not clocks:
        return
    seen: set[tuple[str, int]] = set()
    uses = [*_once_each(facts, made), *(_timed(facts) if clocks else ())]
    at_once = {
        facts.function_around(span) for span, _ in uses if any(one.span and span.holds(one.span) for one in made)
    } - {""}
    for span, certainty in uses:
        if any(other != span and other.holds(span) for other, _ in uses):
            continue  # a part of what is told
        if facts.function_around(span) in at_once and not any(one.span and span.holds(one.span) for one in made):
            continue  # what becomes of it further down is the same cause
        if MADE_UP.search(span.path) and not facts.routes_reaching(facts.function_around(span)):
            continue  # nobody's: people and things that are made up for a look
        if (span.path, span.line) not in seen:
            seen.add((span.path, span.line))
            yield Hit("what opens a door comes from a generator that can be guessed", span, certainty=certainty)


def _once_each(facts: SourceFacts, made: list[Call]) -> list[tuple[Span, Certainty]]:
    """Where what is drawn becomes what opens a door; what is told where it is drawn is not told again where others take it."""
    uses = list(_uses(facts, made))
    there = [use for use in uses if any(one.span and use[0].holds(one.span) for one in made)]
    later = [one for one in made if not any(one.span and span.holds(one.span) for span, _ in there)]
    return uses if len(later) == len(made) else [*there, *(_uses(facts, later) if later else ())]


def _timed(facts: SourceFacts) -> Iterator[tuple[Span, Certainty]]:
    """``sid = hex(int(time.time() * 1000)) + str(len(sids))``: the time in letters, with nothing beside it that is drawn."""
    named = [(one.attribute, one.value, one.span, one.function) for one in facts.assignments() if one.function]
    named += [(flow.detail, flow.value, flow.span, flow.function) for flow in facts.flows("session", "cookie")]
    told: set[str] = set()
    for name, value, span, function in named:
        if function in told or not _is_clock_text(value) or _kind(name) != "door" or _FOR_ONCE.search(name):
            continue
        if isinstance(value, Call) and value.callee in _LAPS:
            continue  # which of two came first, within one process
        if not _is_drawn_too(value):
            told.add(function)
            yield span, "likely"


_MAY_BE_TIMED: Final = frozenset({Format, Unknown, Item, Call})


def _is_clock_text(value: Value) -> bool:
    if type(value) not in _MAY_BE_TIMED:
        return False
    match value:
        case Format(parts=inside) | Unknown(parts=inside):
            return any(map(_is_clock_text, inside))
        case Item(owner=owner, key=Unknown()):
            return _is_clock_text(owner)
        case Call(callee=callee) if callee in _CLOCKS:
            return True
        case Call(callee=callee, receiver=receiver, args=args) if callee in _LETTERS or value.method in _SPELLS:
            return any(_is_clock_text(one) for one in (receiver, *args) if one is not None)
        case _:
            return False


def _is_drawn_too(value: Value) -> bool:
    return any(
        (isinstance(one, Call) and (_KEYED.fullmatch(one.callee) or "random" in one.callee or "uuid" in one.callee))
        or is_key_part(one)
        for one in walk(value, 8)
    )


def _is_of_a_clock(made: Call) -> bool:
    """That the time goes into a hash, and nothing beside it that only some know: a key, a password, or what the system drew."""
    clock = any(isinstance(one, Call) and one.callee in _CLOCKS for one in walk(made, 8))
    return clock and not _is_drawn_too(made)


def _uses(facts: SourceFacts, made: list[Call]) -> Iterator[tuple[Span, Certainty]]:
    functions = {call.function for call in made}
    spans = {call.span for call in made if call.span is not None}
    for call in made:
        if call.span is not None and _makes(facts, call) and not _is_drawn(facts, call):
            yield call.span, "likely"
    for one in facts.assignments():
        if one.function not in functions:
            continue
        name = _in_its_place(one.attribute, one.function) if one.function else _of_its_class(one.target)
        if sure := _opens(name, one.value, spans):
            yield one.span, sure
    for write in facts.config_writes():
        if OPENS.search(write.key) and _holds(write.value, spans):
            yield write.span, "certain"
    for flow in facts.flows("session", "cookie"):
        if sure := _opens("nonce" if _STATE.fullmatch(flow.detail) else flow.detail, flow.value, spans):
            yield flow.span, sure
        for key, held in flow.value.items if isinstance(flow.value, Mapping) else ():
            if sure := _opens(text_of(key) or "", held, spans):
                yield flow.span, sure
    for function in functions:
        for call in facts.calls_in(function):
            thing = call.callee.rpartition(".")[2]
            for word, value in (*call.keywords, *_members(call), *_placed(facts, call)):
                name = _of_its_class(f"{thing}.{word}") if thing[:1].isupper() else word
                if call.span is not None and (sure := _opens(name, value, spans)):
                    yield value.span or call.span, sure
        for value in becomes_a_password(facts, function):
            if value.span is not None and _holds(value, spans):
                yield value.span, "certain"
    yield from _handed_on(facts, functions, spans)
    yield from _filled_in(facts, spans)
    yield from _told_people(facts, made)


def _told_people(facts: SourceFacts, made: list[Call]) -> Iterator[tuple[Span, Certainty]]:
    """``send(phone, f"Your code is {code}")``: the words in front of what was drawn say what it is for."""
    spans = {call.span for call in made} - {None}
    for call in facts.calls() if spans else ():
        for text in (*call.args, *(value for _, value in call.keywords)):
            parts = text.parts if isinstance(text, Format) else ()
            for before, drawn in pairwise(parts):
                if not _ANNOUNCES.search(text_of(before) or ""):
                    continue
                for one in walk(drawn, 6):
                    if isinstance(one, Call) and one.span in spans and one.span is not None:
                        yield one.span, "likely"


def _filled_in(facts: SourceFacts, spans: set[Span]) -> Iterator[tuple[Span, Certainty]]:
    """``ApiKey.key = Column(default=generate)``: what a column, a field or a setting is given where nobody says one."""
    for one in facts.assignments():
        value = one.value
        if one.function or not isinstance(value, Call):
            continue
        maker = value.keyword("default", "default_factory", "insert_default", "missing", "load_default")
        own = facts.function(maker.dotted) if isinstance(maker, Name) else None
        if own is None or _kind(_of_its_class(one.target)) != "door":
            continue
        if any(_holds(made, spans) for made in own.returns):
            yield one.span, "certain"


def _makes(facts: SourceFacts, call: Call) -> bool:
    """That the function is called after what it makes: ``make_token``, or ``reset_code`` which gives back what was drawn."""
    written = facts.function_around(call.span) if call.span is not None else ""
    name = (written or call.function).rpartition(".")[2]
    if _MAKER.search(name):
        return True
    own = facts.function(call.function) if _kind(name) == "door" and call.span is not None else None
    return own is not None and any(_holds(one, {call.span}) for one in own.returns if call.span is not None)


def _is_drawn(facts: SourceFacts, made: Call) -> bool:
    """That the number is a place, a size or a colour in a picture, or how long to wait: it tells nobody the code."""
    return any(
        _DRAWS.search(call.callee) is not None and call.span is not None and made.span is not None
        and call is not made and call.span.holds(made.span)
        for call in facts.calls_in(made.function)
    )  # fmt: skip


def _handed_on(facts: SourceFacts, functions: set[str], spans: set[Span]) -> Iterator[tuple[Span, Certainty]]:
    """What a function of any name makes and gives back, and its caller takes for something that opens a door."""
    makers = [
        name
        for name in functions
        if name
        and not _MAKER.search(name.rpartition(".")[2])  # that one was told above, where it makes it
        and _kind(name.rpartition(".")[2]) != "door"
        and not any(_opens(one.attribute, one.value, spans) for one in facts.assignments_in(name))
        and (own := facts.function(name)) is not None
        and any(_holds(one, spans) for one in own.returns)
    ]
    told: set[str] = set()
    for made in facts.calls(*makers) if makers else ():
        if made.span is None or not made.function or made.callee in told:
            continue  # who else calls the maker is mended with it
        here = {made.span, *spans}
        named = [
            (_in_its_place(one.attribute, made.function), one.value) for one in facts.assignments_in(made.function)
        ]
        named += [pair for call in facts.calls_in(made.function) for pair in (*call.keywords, *_members(call))]
        if any(_opens(name, value, here) for name, value in named):
            told.add(made.callee)
            yield made.span, "likely"


def _members(call: Call) -> Iterator[tuple[str, Value]]:
    for value in call.args:
        if isinstance(value, Mapping):
            for key, item in value.items:
                if isinstance(key, Constant) and isinstance(key.value, str):
                    yield key.value, item


def _placed(facts: SourceFacts, call: Call) -> Iterator[tuple[str, Value]]:
    """What is passed by its place: under the name of the parameter, or under the word that the entry of a store begins with."""
    own = facts.function(call.callee)
    if own is not None:
        yield from zip(own.parameters, call.args, strict=False)
    if call.method in _STORES and len(call.args) > 1:
        first = call.args[0].parts[0] if isinstance(call.args[0], Format) else call.args[0]
        found = _ENTRY.match(text_of(first) or "")
        if found is not None:
            yield from ((found[1], value) for value in call.args[1:])


def _in_its_place(name: str, function: str) -> str:
    """``code`` of a function that is called ``forgot_password`` is a reset_code."""
    return f"reset_{name}" if name in _IN_PLACE and _DOORS.search(function.rpartition(".")[2]) else name


def _of_its_class(target: str) -> str:
    """``ApiKey.value`` is an api_key, ``PasswordReset.code`` a reset_code: a word that says little takes its class for help."""
    owner, _, word = target.rpartition(".")
    thing = HUMP.sub("_", owner.rpartition(".")[2])
    if word in _PLAIN_WORDS or thing.lower().endswith(f"_{word}"):
        return thing
    return f"{thing}_{word}" if word in ("code", "key", "link", "hash", "string") else word


def _opens(name: str, value: Value, spans: set[Span]) -> Certainty | None:
    kind = _kind(name)
    if kind == "door":
        return "certain" if _holds(value, spans) else None
    if kind != "code" or not _holds(value, spans):
        return None
    return "likely" if is_code(value) else "possible" if is_spelled(value) or _is_hashed(value, spans) else None


def _is_hashed(value: Value, spans: set[Span]) -> bool:
    """``md5(f"{user.id}{time.time()}").hexdigest()[:10]``: a hash of the time, or a part of it."""
    return any(isinstance(one, Call) and one.span in spans and _HASH.fullmatch(one.callee) for one in walk(value, 4))


@lru_cache(maxsize=16384)
def _kind(name: str) -> Literal["", "door", "code"]:
    if _NOT_SECRET.search(name):
        return ""
    return "door" if OPENS.search(name) else "code" if _CODE.fullmatch(name) else ""


def _holds(value: Value, spans: set[Span]) -> bool:
    """That it is made of one of these calls. What lies inside a signed token opens nothing: nobody else can sign it."""
    inside = [one for one in walk(value, 10) if isinstance(one, Call)]
    found = [one for one in inside if one.span in spans]
    if not found:
        return False
    signed = {id(one) for call in inside for part in _claims(call) for one in walk(part, 10)}
    return any(id(one) not in signed for one in found)


def _claims(call: Call) -> tuple[Value, ...]:
    """What that call signs."""
    if call.callee == "?.dumps" or (call.callee.startswith("itsdangerous.") and call.method in ("dumps", "sign")):
        return call.args[:1]  # modules that only write have a name of their own: ``json.dumps``
    encoding = ENCODING.get(call.callee)
    return () if encoding is None else call.args[encoding.claims : encoding.claims + 1]


def fix(app: App, hit: Hit) -> Edit | None:
    """The same function of the system's generator, which no seed and no earlier number tells; ``uuid4`` for ``uuid1``."""
    calls = source_of(app).calls_matching(GENERATORS)
    return from_the_system(calls, hit.span) if hit.span is not None else None


RULE = Rule(
    slug="weak-random-token",
    family="crypto",
    title="Token from a guessable generator",
    harm="The next token can be worked out from a few that were seen.",
    severity="high",
    check="authentication",
    cwe=(338,),
    owasp="API2:2023",
    asvs=("V11.5.1",),
    surfaces=("source",),
    ends="Stopper makes every token, key and code from the generator of the system.",
    detect=detect,
    fix=fix,
)
