"""Whoever guesses, finds or keeps a reset link takes over the account."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from stopper.core.account_names import RESETS, makes_password_hash, said_name
from stopper.core.app import App
from stopper.core.edits.random_edits import NUMBERS, from_the_system
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.passing import handed
from stopper.core.flow.view_functions import index_of
from stopper.core.keys.endless_entries import endless_entries
from stopper.core.keys.made_with_keys import is_made_with_a_key, is_signing_key
from stopper.core.keys.short_draws import is_short_draw
from stopper.core.people.counted_resets import counted_resets
from stopper.core.people.handed_reset_tokens import handed_out
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.accounts.reset import Asked, asks_for_reset, reset_tokens, resets
from stopper.core.probing.accounts.takeover import taken_over
from stopper.core.probing.baseline import attempt
from stopper.core.probing.plain_cookies import login_link
from stopper.core.probing.seen_tokens import BY_TIME, LEAST_BITS, bits, counts_up, derived, encoded
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.stores.found_rows import is_found
from stopper.core.stores.named_columns import column_of
from stopper.core.tokens.ages_by_hand import times_noted
from stopper.core.tokens.ended_tokens import KEPT_AS, ended
from stopper.core.tokens.unended_tokens import is_of_resets, unended
from stopper.core.values import Call, Constant, Item, Mapping, Member, Name, Parameter, Value, text_of, walk

_GUESSABLE: Final = re.compile(
    r"random\.(?!SystemRandom)\w+|uuid\.uuid[135]|(?:hashlib|zlib)\.\w+|base64\.\w*encode|time\.time|datetime\.(?!timedelta)\w*(?:\.\w+)*|binascii\.hexlify"
)
_MAKES: Final = re.compile(r"random\.(?!SystemRandom|shuffle|seed)\w+|uuid\.uuid1|hashlib\.\w+")
_HASHES: Final = re.compile(r"(?i)password|hashpw")
_PASSWORD: Final = re.compile(r"(?i)password|pwd")
_STRONG: Final = re.compile(
    r"secrets\.\w+|os\.urandom|uuid\.uuid4|random\.SystemRandom.*|hmac\.\w+|.*dumps|.*Serializer.*|flask_jwt_extended\.\w+|jwt\.encode|.*\.encode$(?<!\?\.encode)"
)
_TOKEN: Final = re.compile(
    r"(?i)(reset|invite|invitation|recovery|magic|verification|confirm)\w*(token|code|key|link|hash)|^(token|code|reset_?link)$"
)
_WHEN: Final = re.compile(
    r"(?i)expir|_(at|on|until|time|date|sent|created|age|count|used|valid)$|issued|requested|attempts"
)
"""What is kept beside a token says when it was made or ends."""
_SENDS: Final = re.compile(r"(?i)mail|send|notify|deliver|smtp")


_TRIED: Final = "a reset token is so short that it can be found by trying"


def detect(app: App) -> Iterator[Hit]:
    """Where somebody resets or invites: tokens from what can be guessed, signed ones that never end, and kept ones that nothing ends
    or that nobody asks the age of."""
    facts = source_of(app)
    names = [
        one.name
        for one in facts.functions()
        if RESETS.search(one.name.rpartition(".")[2]) or (one.owner and RESETS.search(one.owner.rpartition(".")[2]))
    ]
    names += [route.view for route in facts.routes if RESETS.search(route.path)]
    resets = frozenset(names)
    if not resets and not any(is_of_resets(call) for call in facts.calls("*.loads")):
        return
    seen: set[tuple[str, int]] = set()
    reached = resets | frozenset(_reached(facts))
    made = _at_their_source(facts, [*_made(facts, resets, reached)])
    for hit in (*made, *unended(facts, reached), *_kept(facts, resets)):
        if hit.span is not None and (hit.span.path, hit.span.line) not in seen:
            seen.add((hit.span.path, hit.span.line))
            yield hit
    for span in counted_resets(facts, sorted(resets)):
        yield Hit("the number of a row is all that a reset asks for, and numbers are counted", span)
    for span in handed_out(app, _sets_password):
        yield Hit("a reset token goes to whoever asks for the reset, in the answer", span, certainty="likely")
    for span in endless_entries(facts, reached, RESETS):
        yield Hit("a token of the store never ends", span, certainty="likely")


def _at_their_source(facts: SourceFacts, hits: list[Hit]) -> list[Hit]:
    """Each but those at a call of a function of the project in which another stands: that one is told where it makes the token."""
    spans = [one.span for one in hits if one.span is not None]
    if len(spans) < 2:
        return hits
    makers = {one.function for one in facts.assignments() if one.span in spans and one.function}
    makers |= {call.function for call in facts.calls() if call.span in spans and call.function}
    handed = [call.span for name in makers for call in facts.calls(name) if call.function != name and call.span]
    return [hit for hit in hits if hit.span is None or not any(hit.span.holds(one) for one in handed)]


def _reached(facts: SourceFacts) -> list[str]:
    """What the views of routes that reset or invite call in the project."""
    index = index_of(facts)
    views = [one.name for route in facts.routes if RESETS.search(route.path) for one in index.of_view(route.view)]
    return index.calling(views, 3)


def _made(facts: SourceFacts, resets: frozenset[str], reached: frozenset[str]) -> Iterator[Hit]:
    """A token that is worked out from the time, the account or a generator that can be predicted."""
    makers: dict[str, Span] = {}
    for name in sorted(reached):
        last = name.rpartition(".")[2]
        if _MAKES_TOKEN.fullmatch(last) and not _LOOKS_FOR.match(last):
            for returned in facts.returns_of(name):
                short = is_short_draw(facts, returned.value)
                if short or (_is_guessable(facts, returned.value) and not _is_over_token(returned.value)):
                    makers[name] = returned.span
                    yield Hit(_TRIED if short else "a reset token can be predicted", returned.span)
    for name in sorted(reached):
        for made in facts.assignments_in(name):
            if any(
                isinstance(part, Call) and (part.callee in makers or _stands_in(part.span, makers.values()))
                for part in walk(made.value, 8)
            ):
                continue  # told where it is made
            named = _TOKEN.search(made.attribute) and not _WHEN.search(made.attribute)
            if named and not is_found(made.value) and _is_guessable(facts, made.value):
                yield Hit("a reset token can be predicted", made.span)
            elif named and is_short_draw(facts, made.value):
                yield Hit(_TRIED, made.span)
        yield from _put_in(facts, name)
    for name in sorted(resets):
        for call in facts.calls_in(name):
            if call.span and _makes(call) and not _is_over_another(call) and _used_as_token(facts, name, call):
                yield Hit("a reset token can be predicted", call.span)


def _put_in(facts: SourceFacts, name: str) -> Iterator[Hit]:
    """``Ticket.create(user=user, code=uuid1().hex)``: the token is made where it goes into its column."""
    for call in facts.calls_in(name):
        for word, value in call.keywords if call.method[:1].isupper() or call.method in _FILLS else ():
            if call.span and _TOKEN.search(word) and not _WHEN.search(word) and _is_made_here(facts, value):
                yield Hit("a reset token can be predicted", call.span)


_FILLS: Final = frozenset({"create", "insert", "values"})


def _is_made_here(facts: SourceFacts, value: Value) -> bool:
    return _is_guessable(facts, value) and not is_found(value) and not _is_over_token(value)


_LOOKS_FOR: Final = re.compile(r"(?i)_?(?:find|look_?up|search|check|verify|is|has|delete|remove|use|consume|redeem)_")
"""A function that is shown a token, and makes none."""


def _stands_in(place: Span | None, others: Iterable[Span]) -> bool:
    return place is not None and any(one.holds(place) for one in others)


_MAKES_TOKEN: Final = re.compile(
    r"(?i)_?((make|generate|create|new|get|build|issue|gen)_?)?(\w*_)?(token|code|reset_?link|invite|pin)(_for(_\w+)?)?"
)


def _is_over_token(value: Value) -> bool:
    """That it is worked out from a token that somebody else has made, as its hash for the database is."""
    return any(said_name(part).lower() in ("token", "raw", "code", "secret", "password") for part in walk(value, 8))


def _makes(call: Call) -> bool:
    return _MAKES.fullmatch(call.callee) is not None and not any(
        (isinstance(one, Call) and _STRONG.fullmatch(one.callee)) or is_signing_key(one) for one in walk(call, 8)
    )


def _is_over_another(call: Call) -> bool:
    """A hash over what such a call has made: the inner one is the token."""
    return any(isinstance(one, Call) and one is not call and _makes(one) for one in walk(call))


def _used_as_token(facts: SourceFacts, name: str, call: Call) -> bool:
    """Nothing in the function makes a better one; a hash over a shown token, kept instead of it, is no token."""
    if call.callee.startswith("hashlib.") and (_is_looked_up(facts, name, call) or _is_of_shown(facts, call)):
        return False
    if any(_STRONG.fullmatch(one.callee) and not one.callee.startswith("hmac.") for one in facts.calls_in(name)):
        return False
    if call.callee.startswith("hashlib."):
        over = _hashed(call)
        labels: set[str] = {label.source for label in facts.labels(over)}
        return over is not None and not labels & {"token", "code"} and not any(one.name in ("token", "raw", "code", "password", "new_password") for one in walk(over)) and not any(isinstance(one, Constant) and one.value in ("token", "code", "password") for one in walk(over))  # fmt: skip
    return True


def _hashed(made: Call) -> Value | None:
    """What a hash is made over: ``hashlib.sha256(token)``, ``hashlib.new("sha256", token)``."""
    return made.argument(1 if made.callee == "hashlib.new" else 0, "data", "string")


def _is_of_shown(facts: SourceFacts, made: Call) -> bool:
    """A hash of a key that came in a header, or of the token that came in a model: somebody shows it, and nothing is made."""
    shown = _hashed(made)
    return shown is not None and (
        facts.derives(shown, "request-header", "authorization-header", "api-key", by_name=False)
        or any(isinstance(part, Member) and part.attribute in ("token", "code", "key") for part in walk(shown, 6))
    )


def _is_looked_up(facts: SourceFacts, name: str, made: Call) -> bool:
    """That the hash is of one thing that the caller sent, and the function sets a password: a token is redeemed here, and none made."""
    sent = [part for part in walk(made, 4) if isinstance(part, Item) and facts.derives(part, "request-data")]
    return (
        len(sent) == 1
        and _sets_password(facts, name)
        and not any(_SENDS.search(one.callee) for one in facts.calls_in(name))
    )


def _is_guessable(facts: SourceFacts, value: Value) -> bool:
    noted = times_noted(value)
    calls = [one for one in walk(value, 8) if isinstance(one, Call) and id(one) not in noted]
    calls += [one for call in calls if (own := facts.function(call.callee)) is not None for said in own.returns for one in walk(said, 3) if isinstance(one, Call) and id(one) not in times_noted(said)]  # fmt: skip
    keyed = any(_STRONG.fullmatch(one.callee) or is_made_with_a_key(facts, one) for one in calls)
    keyed = keyed or any(map(is_signing_key, walk(value, 8)))
    return not keyed and any(_GUESSABLE.fullmatch(one.callee) for one in calls)


_SQL_BY_TOKEN: Final = re.compile(
    r"(?is)^\s*(?:select|update)\b.*\bwhere\b.*\b\w*(?:token|code|key|link|digest|hash)\w*\s*="
)
_SQL_ENDS: Final = re.compile(
    r"(?is)\s*update\s+\S+\s+set\s+\w*(?:used|consumed|redeemed|revoked)\w*\s*=\s*[^,]*\bwhere\b"
)
"""What marks a token as used looks for it again, after it was found."""
_LOOKS_UP: Final = ("*.filter_by", "*.find_one", "*.find_one_and_update", "*.get", "*.get_or_none", "*.first")
_RUNS_SQL: Final = ("*.execute", "*.fetch_one", "*.query", "*.query_db", "*.fetchrow", "*.fetchone", "*.scalar")


def _kept(facts: SourceFacts, resets: frozenset[str]) -> Iterator[Hit]:
    """A look-up by the token that is followed by a new password, where nothing in sight ends the token or asks how old it is."""
    found = [(name, span) for name, span in _looked_up(facts) if span is not None]
    if not found:
        return
    index = index_of(facts)
    for route, verb in ((one, verb) for one in facts.routes for verb in one.methods):
        names = index.calling([one.name for one in index.of_view(route.view, method=verb)], 3)
        spans = [span for name, span in found if name in names]
        if not spans or resets.isdisjoint((route.view, *names)) or not any(_sets_password(facts, one) for one in names):
            continue
        used, ages = ended(facts, names)
        wrong = [said for said, ends in (("can be used again", used), ("does not expire", ages)) if not ends]
        yield from (Hit(f"a reset token {' and '.join(wrong)}", span, certainty="likely") for span in spans if wrong)


def _looked_up(facts: SourceFacts) -> Iterator[tuple[str, Span | None]]:
    """Where something is looked up by a token that the caller shows: in a database, by a statement, in a dict of the module."""
    for call in facts.calls(*_LOOKS_UP):
        shown = [
            value for name, value in call.keywords if KEPT_AS.fullmatch(name) and not _is_number_of_row(name, value)
        ]
        shown += [value for arg in call.args[:1] for value in _by_token(arg)]
        if call.args and isinstance(made := call.args[0], Name) and KEPT_AS.fullmatch(made.dotted.rpartition(".")[2]):
            shown += call.args[1:2]  # ``session.get(ResetToken, digest)``
        if any(_is_shown(facts, value) for value in shown):
            yield call.function, call.span
    for one in facts.comparisons("=="):
        for left, right in ((one.left, one.right), (one.right, one.left)):
            column = left.dotted if isinstance(left, Name) else ".".join(column_of(facts, left))
            if "." in column and column.rpartition(".")[0].rpartition(".")[2][:1].isupper() and (
                KEPT_AS.fullmatch(column.rpartition(".")[2]) and _is_shown(facts, right)
            ):  # fmt: skip
                yield one.function, one.span
    for left, right, function, span in _held_together(facts):
        for kept, sent in ((left, right), (right, left)):
            if isinstance(kept, Member) and "token" in kept.attribute.lower() and _is_shown(facts, sent):
                yield function, span
    for call in facts.calls(*_RUNS_SQL):
        text = next((said for part in walk(call.argument(0), 2) if (said := text_of(part))), "")
        if (
            _SQL_BY_TOKEN.search(text)
            and not _SQL_ENDS.match(text)
            and any(_is_shown(facts, value) for value in call.args[1:])
        ):
            yield call.function, call.span
    for item in facts.all_lookups:
        if item.span is None or not isinstance(item.owner, Mapping) or facts.is_test(item.span):
            continue
        if KEPT_AS.fullmatch(said_name(item.key)) and _is_shown(facts, item.key):
            yield facts.function_around(item.span), item.span


def _is_number_of_row(name: str, value: Value) -> bool:
    """``invite_id=invitation.id``: a row by the number of another, which nobody shows."""
    return name.endswith("_id") and isinstance(value, Member) and value.attribute in ("id", "pk")


def _held_together(facts: SourceFacts) -> Iterator[tuple[Value, Value, str, Span | None]]:
    """``account.reset_token != token``, also in constant time: the account was found by something else."""
    for one in facts.comparisons("==", "!="):
        yield one.left, one.right, one.function, one.span
    for call in facts.calls("hmac.compare_digest", "secrets.compare_digest"):
        if len(call.args) > 1:
            yield call.args[0], call.args[1], call.function, call.span


def _is_shown(facts: SourceFacts, value: Value) -> bool:
    """What the caller shows, or its hash, which no longer derives from it by itself; also where it is handed on."""
    several = [value, *(given for one in walk(value, 2) if isinstance(one, Parameter) for given in handed(facts, one))]
    return any(facts.derives(part, "request-data", "path-parameter") for one in several for part in walk(one, 6))


def _by_token(value: Value) -> Iterator[Value]:
    if isinstance(value, Mapping):
        for key, inner in value.items:
            if KEPT_AS.fullmatch(text_of(key) or ""):
                yield inner


def _sets_password(facts: SourceFacts, function: str) -> bool:
    calls = facts.calls_in(function)
    return any(_HASHES.search(one.callee) or makes_password_hash(one) for one in calls) or any(
        _PASSWORD.search(one.attribute) for one in facts.assignments_in(function)
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """The system's generator, where a number of ``random`` or ``uuid1`` is used in the place itself."""
    calls = source_of(app).calls_matching(NUMBERS)
    return from_the_system(calls, hit.span) if hit.span is not None else None


def probe(target: Target) -> Steps[Verdict]:
    """Where the answer itself holds the token, three of them are held against what can be guessed. A link that lets in is tried with a number."""
    if (linked := (yield from attempt(login_link(target)))) is not None:
        return failed(f"{linked[0]} lets in as whoever its number names", [linked[0]], linked[1])
    if (taken := (yield from attempt(taken_over(target)))) is not None:
        return failed(f"{taken[1]} {taken[0]}", [taken[1]], taken[2])
    if not any(asks_for_reset(route) for route in target.app.routes):
        return not_applicable("no route sends a reset")
    told = False
    for asked in (yield from resets(target)):
        answers = [asked.exchange]
        for _ in range(2):
            another = yield from attempt(send(asked.request))
            answers += [another] if another is not None and another.response.succeeded else []
        tokens = [token for one in answers for token in list(reset_tokens(one.response))[:1]]
        told = told or len(set(tokens)) > 2 or bool(tokens and target.forge.claims(tokens[0]))
        why = _weakness(target, asked, tokens) if tokens else ""
        if why:
            ref = RouteRef("POST", asked.route.path)
            evidence = [Evidence("exchange", f"token {number}", one) for number, one in enumerate(answers, 1)]
            return failed(f"{ref} makes a token that {why}", [ref], evidence)
    return passed("reset tokens are long and end") if told else unsure("the token goes by mail, which is not read")


def _weakness(target: Target, asked: Asked, tokens: Sequence[str]) -> str:
    """What is wrong with the tokens, or an empty text. The tokens themselves are never said."""
    if claims := target.forge.claims(tokens[0]):
        return "" if "exp" in claims else "never ends"
    said = {value.decode() for value in _bodies(asked)}
    if any(token.lower() in derived(said) or token in encoded(said) for token in tokens):
        return "is worked out from the address alone"
    if len(set(tokens)) < 3:
        return ""  # what stays the same may be a word of the address and no token
    if all(BY_TIME.fullmatch(one.lower()) for one in tokens) and len({one[-12:] for one in tokens}) == 1:
        return "is made of the time and the machine"
    if max(bits(token) for token in tokens) < LEAST_BITS:
        return f"has fewer than {LEAST_BITS} bits"
    return "counts up" if counts_up(tokens) else ""


def _bodies(asked: Asked) -> Iterator[bytes]:
    yield from re.findall(rb'"([^"]+)"', asked.request.body)


RULE = Rule(
    slug="reset-token-weak",
    family="account",
    title="Reset or invite token predictable, reusable or without expiry",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(640,),
    owasp="API2:2023",
    asvs=("V6.4.1",),
    surfaces=("source", "wsgi", "http"),
    ends="No reset of Stopper does yet; its `SingleUse` redeems a value once, for one purpose.",
    certainty="likely",
    detect=detect,
    fix=fix,
    probe=probe,
)
