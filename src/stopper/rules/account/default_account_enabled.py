"""Anybody who knows the usual pairs, such as `admin` with `admin`, is let in."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

from stopper.core.account_names import is_password_name, makes_password_hash, said_name
from stopper.core.app import App, Route
from stopper.core.deployment.desk_files import IN_DEVELOPMENT
from stopper.core.exchange import Exchange, Response
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.said_by_caller import GUARDS
from stopper.core.keys.random_words import token_hex
from stopper.core.owner_names import ROLE
from stopper.core.people.literal_accounts import (
    USER_KEY,
    holds_password,
    is_default,
    is_user_name,
    literal_texts,
)
from stopper.core.people.literal_rows import has_default, in_files, inserted, names_and_passwords, written
from stopper.core.people.password_columns import is_table_class
from stopper.core.people.usual_accounts import PAIRS, TRIES_MOST
from stopper.core.place import RouteRef, Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send, unsure
from stopper.core.probing.accounts.anybody import lets_anybody_in, lets_in_by_any_password
from stopper.core.probing.accounts.login import (
    goes_on,
    known_log_in,
    lets_in,
    login_requests,
    login_routes,
    retyped,
    told_apart,
)
from stopper.core.probing.accounts.way_in import way_in
from stopper.core.rule import Hit, Rule
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Sequence,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

MANY: Final = 3
"""Accounts of one place above which they are one finding; those that one function makes always are: they were written together."""
_FAKE: Final = re.compile(r"(?i)(?:^|[/_.\s])(?:fake|dummy|mock|(?:\w+_)?test_?data)(?:[/_.\s]|$)")
_STANDS_IN: Final = re.compile(r"(?i)dummy|nobody|no_?one|absent|missing|decoy")
_STORE: Final = re.compile(
    r"(?i)(\w*_)?(users?|accounts?|people|credentials|logins|admins?|members|userdb|user_db)(_\w+)?"
)
_MAKERS: Final = r"(.*[.])?((create|add|make|register|insert|ensure|seed|new)_?(default_?|initial_?)?(super_?)?(user|account|admin|member|person)|(user|account|member|person)_(create|add|register|insert|new)|[A-Z]?[A-Za-z]*(User|Account|Member|Admin|Person|Customer|Staff|Employee)(Model)?([.](get_or_)?create(_user)?|[.]objects[.]create\w*)?)"


def detect(app: App) -> Iterator[Hit]:
    """A usual name with a literal password, or any literal name with a usual password, where accounts are made or compared."""
    facts = source_of(app)
    found: dict[str, list[Span]] = {}
    made = dict.fromkeys(chain(_made(facts), inserted(facts), written(facts)))
    for span in chain(
        made, _kept(facts), _given_out(facts), _looked_up(facts), _compared(facts), _configured(facts), in_files(facts)
    ):
        together = found.setdefault(f"{span.path} {facts.function_around(span)}", [])
        alone = span.line not in [one.line for one in together]
        if alone and not facts.is_test(span) and not _is_fake(facts, span):
            together.append(span)
    for where, together in found.items():
        seeded = not where.endswith(" ") and all(span in made for span in together)
        if len(together) > (1 if seeded else MANY):
            yield Hit(f"{len(together)} accounts with names and passwords that stand in the code", together[0])
        else:
            yield from (Hit("an account with a name and password that stand in the code", span) for span in together)


def _is_fake(facts: SourceFacts, span: Span) -> bool:
    """That the file or the function says that it makes up people for a look at the application."""
    home = facts.function_around(span)
    return (
        _FAKE.search(f"{span.path} {home}") is not None
        or IN_DEVELOPMENT.search(span.path) is not None
        or _begins_anew(facts, home)
    )


def _begins_anew(facts: SourceFacts, function: str) -> bool:
    """That it throws all tables away first, and fills them with what a library makes up: nobody runs that where people are."""
    called = [call.callee for call in facts.calls_in(function)] if function else []
    return any(name.endswith(".drop_all") for name in called) and any(
        name.startswith(("faker.", "mimesis.")) for name in called
    )


def _made(facts: SourceFacts) -> Iterator[Span]:
    """``User(username="admin", password=hash("admin"))``, ``create_user("admin", "admin")``, a ``set_password("…")`` after it."""
    made = {id(call): call for call in (*facts.calls_matching(_MAKERS), *facts.calls(*_classes_of_people(facts)))}
    for call in made.values():
        names, passwords = _account(facts, call)
        names = names or (_named_afterwards(facts, call) if not call.args and not call.keywords else [])
        if call.span is not None and names:
            found = passwords or _set_afterwards(facts, call)
            if is_default([*names, "admin"] if _rules_others(facts, call) else names, found):
                yield call.span


def _classes_of_people(facts: SourceFacts) -> tuple[str, ...]:
    """Classes whose objects log in, whatever they are called: of Flask-Login, with a password among the columns, or with a method
    that sets one."""
    return tuple(
        one.name
        for one in facts.classes()
        if any(base.endswith(".UserMixin") for base in one.bases)
        or not _SETS_PASSWORD.isdisjoint(one.methods)
        or (is_table_class(one) and any(map(holds_password, one.attributes)))
    ) or ("",)


_SETS_PASSWORD: Final = frozenset({"set_password", "check_password", "verify_password"})


def _rules_others(facts: SourceFacts, call: Call) -> bool:
    """``User(email="jo@shop.example", role="owner")``: whatever the name, the account is one that may do everything."""
    return any(
        ROLE.search(key)
        and (is_constant(value, True) or any(text.lower() in GUARDS for text in literal_texts(facts, value)))
        for key, value in call.keywords
    )


def _account(facts: SourceFacts, call: Call) -> tuple[list[str], list[str]]:
    """The literal names and passwords that a call makes an account of."""
    known = facts.function(call.callee) or facts.function(f"{call.callee}.__init__")
    parameters = [one for one in known.parameters if one != "self"] if known is not None else []
    given = list(call.keywords)
    for place, value in enumerate(call.args):
        given.append((parameters[place] if place < len(parameters) else _guessed(call, place), value))
    beside = call.keyword("defaults")
    given += [(text_of(key) or "", value) for key, value in beside.items] if isinstance(beside, Mapping) else []
    return names_and_passwords(facts, given)


def _guessed(call: Call, place: int) -> str:
    """What stands at that place of a call to code that is not known: a name, perhaps an address, a password."""
    mail = len(call.args) > 1 and "@" in (text_of(call.args[1]) or "")
    return {0: "username", (2 if mail else 1): "password"}.get(place, "")


def _set_afterwards(facts: SourceFacts, made: Call) -> list[str]:
    """The literal passwords that the same function, or the top of the same file, gives to that object."""
    found: list[str] = []
    for call in facts.calls_in(made.function):
        if call.method in ("set_password", "hash_password") and any(one is made for one in walk(call.receiver, 3)):
            found.extend(text for value in call.args[:1] for text in literal_texts(facts, value))
    for one in facts.assignments_in(made.function):
        same = made.span is not None and one.span.path == made.span.path
        hashed = isinstance(one.value, Call) and makes_password_hash(one.value)
        if same and "." in one.target and (hashed or holds_password(one.attribute)) and made.function:
            found.extend(literal_texts(facts, one.value))
    return found


def _named_afterwards(facts: SourceFacts, made: Call) -> list[str]:
    """The literal names that the same function gives to an object which was made without any."""
    return [
        text
        for one in (facts.assignments_in(made.function) if made.function else ())
        if "." in one.target and USER_KEY.fullmatch(one.attribute)
        for text in literal_texts(facts, one.value)
    ]


def _kept(facts: SourceFacts) -> Iterator[Span]:
    """``users = {"admin": hash("admin")}``, ``USERS = [{"username": "admin", "password": "admin"}]``."""
    for one in facts.assignments():
        if isinstance(one.value, Mapping) and _holds_hashes(facts, one.value):
            yield one.span
            continue
        if not isinstance(one.value, (Mapping, Sequence)) or not _STORE.fullmatch(one.attribute):
            continue
        if any(isinstance(part, Mapping) and has_default(facts, part) for part in walk(one.value, 3)):
            yield one.span


def _given_out(facts: SourceFacts) -> Iterator[Span]:
    """``@auth.get_password`` over a function that looks into literal accounts."""
    asked = {
        one.name for one in facts.functions() if any(said.name.endswith(".get_password") for said in one.decorators)
    }
    for found in facts.all_lookups if asked else ():
        held = found.owner
        if found.span is None or not isinstance(held, Mapping) or facts.function_around(found.span) not in asked:
            continue
        if any(text_of(key) and text_of(value) for key, value in held.items):
            yield found.span


def _looked_up(facts: SourceFacts) -> Iterator[Span]:
    """``ACCOUNTS.get(login.username) == login.password``, where every account stands there with its password."""
    pairs = [(one.left, one.right, one.span) for one in facts.comparisons("==", "!=")]
    for call in facts.calls("hmac.compare_digest", "secrets.compare_digest"):
        pairs += [(call.args[0], call.args[1], call.span)] if len(call.args) == 2 and call.span is not None else []
    for left, right, span in pairs:
        for kept, shown in ((left, right), (right, left)):
            one = kept.receiver if isinstance(kept, Call) and kept.method == "encode" else kept
            held = one.owner if isinstance(one, Item) else None
            if (
                isinstance(held, Mapping)
                and held.items
                and any(is_password_name(said_name(way)) for way in options(shown))
                and all(text_of(name) and text_of(value) for name, value in held.items)
            ):
                yield held.span or span


def _holds_hashes(facts: SourceFacts, store: Mapping) -> bool:
    """``{"operator": hash("…")}``, of whatever name: each is an account that stands in the code."""
    return any(
        (name := text_of(key)) is not None
        and not holds_password(name)
        and not _STANDS_IN.search(store.name)
        and isinstance(value, Call)
        and makes_password_hash(value)
        and any(literal_texts(facts, value))
        for key, value in store.items
    )


def _compared(facts: SourceFacts) -> Iterator[Span]:
    """One function that compares the name and the password with literals."""
    sides = [(one.function, one.operator, one.left, one.right, one.span) for one in facts.comparisons("==", "!=")]
    sides += [
        (call.function, "either", call.args[0], call.args[1], call.span)
        for call in facts.calls("hmac.compare_digest", "secrets.compare_digest")
        if len(call.args) == 2 and call.span is not None
    ]
    names: dict[tuple[str, str], list[str]] = {}
    for function, operator, left, right, span in sides:
        if isinstance(left, Sequence) and isinstance(right, Sequence) and _pair_is_default(facts, left, right):
            yield span
        name = _against(facts, left, right, is_user_name) if function else None
        if name is not None:
            names.setdefault((function, operator), []).append(name)
    for function, operator, left, right, span in sides if names else ():
        alike = ("==", "!=", "either") if operator == "either" else (operator, "either")
        known = [name for one in alike for name in names.get((function, one), ())]
        password = _against(facts, left, right, is_password_name) if known else None
        if known and password is not None and is_default(known, [password]):
            yield span


def _pair_is_default(facts: SourceFacts, left: Sequence, right: Sequence) -> bool:
    """``(username, password) == ("admin", "secret")``."""
    pairs = list(zip(left.items, right.items, strict=False))
    names = [_against(facts, one, two, is_user_name) for one, two in pairs]
    passwords = [_against(facts, one, two, is_password_name) for one, two in pairs]
    return is_default([one for one in names if one], [one for one in passwords if one])


def _configured(facts: SourceFacts) -> Iterator[Span]:
    """``BASIC_AUTH_USERNAME`` and ``BASIC_AUTH_PASSWORD`` of Flask-BasicAuth, both written out."""
    names = [text for write in facts.config_writes("BASIC_AUTH_USERNAME") for text in literal_texts(facts, write.value)]
    for write in facts.config_writes("BASIC_AUTH_PASSWORD") if names else ():
        if write.loaded is not False and is_default(names, list(literal_texts(facts, write.value))):
            yield write.span


def _against(facts: SourceFacts, left: Value | None, right: Value | None, wanted: Callable[[str], bool]) -> str | None:
    """The literal that something of a wanted name is compared with, or that a variable of the environment is without one, also behind
    a setting."""
    for one, other in ((left, right), (right, left)):
        if one is None or isinstance(one, (Constant, EnvironmentValue, ConfigValue)) or not wanted(said_name(one)):
            continue
        for held in facts.followed(other):
            text = text_of(held.default if isinstance(held, EnvironmentValue) else held)
            if text is not None:
                return text
    return None


def probe(target: Target) -> Steps[Verdict]:
    """The commonest pairs at the log-in: only one that is let in where garbage is not convicts."""
    routes = login_routes(target)
    if not routes:
        return not_applicable("no route logs people in")
    if target.mode != "active":
        return unsure("guessing an account that nobody gave needs mode active")
    if (came := (yield from _came_by_one(target))) is not None:
        return came
    found: Verdict | None = None
    refused = Counter[str]()
    for route in routes[:2]:  # beside the log-in of everybody often stands one of administrators
        way = yield from way_in(target, route)
        if way is not None:
            if (any_password := (yield from lets_in_by_any_password(target, route, way[0]))) is not None:
                return any_password
            most = TRIES_MOST - (route is routes[0] and len(routes) > 1)  # they may know the same people
            seen = yield from _tried(target, route, *way, refused, most)
            if seen.outcome == "fail":
                return seen
            found = found or seen
    for route in routes[:2]:
        if (open_to_all := (yield from lets_anybody_in(target, route))) is not None:
            return open_to_all
    return found or unsure("no log-in understood an account")


def _came_by_one(target: Target) -> Steps[Verdict | None]:
    """By which account the scan itself came in where it was given nobody: what let it in, and the same name with another password."""
    for one in target.identities:
        came = known_log_in(target, one) if one.guessed and not one.any_password else None
        own = one.password.reveal() if one.password is not None else ""
        wrong = retyped(came.request, one, token_hex(8)) if came is not None else None
        if came is None or wrong is None or one.issued_by is None or (one.subject, own) not in PAIRS:
            continue
        control = yield from send(wrong)
        if not lets_in(control.response):
            return _let_in(one.issued_by, control, came)
    return None


def _let_in(ref: RouteRef, control: Exchange, exchange: Exchange) -> Verdict:
    evidence = [
        Evidence("exchange", "control: the same name with a random password is refused", control),
        Evidence("exchange", "a default account is let in", exchange),
    ]
    return failed(f"{ref} lets in a default account", [ref], evidence)


def _tried(
    target: Target, route: Route, way: int, refusal: Response, refused: Counter[str], most: int
) -> Steps[Verdict]:
    own = {
        (one.subject, one.password.reveal())
        for one in target.identities
        if one.subject and one.password and not one.guessed
    }
    domain = next((subject.partition("@")[2] for subject, _ in own if subject and "@" in subject), "")
    ref = RouteRef("POST", route.path)
    for name, password in PAIRS:
        subject = f"{name}@{domain}" if domain else name
        if (subject, password) in own or refused[subject] >= most:
            continue
        refused[subject] += 1
        exchange = yield from send(list(login_requests(target, route, subject, password))[way])
        if exchange.response.status == 429:
            return unsure("the log-in slows down before all pairs were tried")
        answer = exchange.response
        # Where a log-in hands nothing out, it may still lead on, or say another status, for the right password alone.
        if not lets_in(answer) and not (goes_on(answer, route.path) and told_apart(answer, refusal)):
            continue
        control = yield from send(list(login_requests(target, route, subject, token_hex(8)))[way])
        if lets_in(control.response):
            return unsure(f"{ref} lets in with any password")
        if not lets_in(answer) and not told_apart(answer, control.response):
            continue
        return _let_in(ref, control, exchange)
    return passed(f"{ref} refuses the commonest default accounts")


RULE = Rule(
    slug="default-account-enabled",
    family="account",
    title="Default or hard-coded account",
    harm=__doc__ or "",
    severity="critical",
    check="authentication",
    cwe=(798,),
    owasp="API2:2023",
    asvs=("V6.3.2",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper's service comes without any account.",
    certainty="likely",
    detect=detect,
    probe=probe,
    depth="standard",
    disturbs=True,
)
