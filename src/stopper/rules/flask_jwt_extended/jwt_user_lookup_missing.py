"""People who were disabled or deleted keep their access until their token expires."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.fact import ClassFact, Function
from stopper.core.facts import SourceFacts, source_of
from stopper.core.login_names import BEST
from stopper.core.people.switched_off_people import SWITCH, let_in_though_off
from stopper.core.rule import Certainty, Hit, Rule
from stopper.core.tokens.jwt_extended import BLOCKLIST, LOOKUP, guarded, issues, manager, registers, uses
from stopper.core.values import Call, Choice, Item, Mapping, Name, Parameter, Value, text_of, walk

_USER: Final = re.compile(r"(?i)^(app)?users?(model)?$|^(member|account|customer|employee|person)$")

_VERIFIES: Final = ("token_verification_loader", "claims_verification_loader")
_WHO: Final = tuple(
    f"flask_jwt_extended.{home}{word}"
    for home in ("", "utils.")
    for word in ("get_jwt_identity", "get_jwt", "get_current_user")
)


def detect(app: App) -> Iterator[Hit]:
    """Routes are guarded by tokens of people who are kept in a table, and no loader looks them up."""
    place, known = manager(app), app.extensions.tokens
    facts = source_of(app)
    if known is not None:
        looked_up, revokes = known.user_lookup, known.blocklist
    elif place is not None and uses(app):
        looked_up, revokes = registers(facts, LOOKUP) and not _only_makes(facts), registers(facts, BLOCKLIST)
    else:
        return
    takes_access = any(not one.refresh for one in app.extensions.token_guards) or any(
        not one.refresh for one in guarded(facts)
    )
    people = [found for found in facts.classes() if found.bases and _is_of_people(found)]
    kept = [found.name for found in people]
    kept += _tables(facts)
    for loader in let_in_though_off(facts, people, _loaders(facts)) if takes_access and not _only_makes(facts) else ():
        yield Hit("who was switched off is loaded like anybody: nobody asks for the switch", loader.span)
    if (
        looked_up
        or _looked_up_by_hand(facts)
        or _asked_for_the_list(facts, kept)
        or not takes_access
        or not (kept or _lets_people_in(app) or _only_makes(facts))
    ):
        return
    sure: Certainty | None = "possible" if revokes or not kept else None
    said = "no user_lookup_loader asks whether the token's user still exists and is active"
    if known is not None:
        yield Hit(said, place, certainty=sure, reader="running")
    if place is not None and (not registers(facts, LOOKUP) or _only_makes(facts)):
        yield Hit(said, place, certainty=sure)


def _is_of_people(found: ClassFact) -> bool:
    """A model that is called so, or whose rows have an address or log-in and may be switched off."""
    columns = found.attributes.keys() | found.fields.keys()
    return _USER.search(found.name.rpartition(".")[2]) is not None or (
        any(_REACHED_BY.fullmatch(one) for one in columns) and any(SWITCH.fullmatch(one) for one in columns)
    )


_REACHED_BY: Final = re.compile(r"(?i)e_?mail(?:_address)?|user_?name|login|password(?:_hash)?")


def _tables(facts: SourceFacts) -> list[str]:
    """Tables and collections of people that no class of the project stands for."""
    found = [callee for callee in facts.callees() if _COLLECTION.search(callee)]
    said = (text_of(call.args[0]) for call in facts.calls("*.execute") if call.args)
    return found + [text for text in said if text is not None and _TABLE.search(text)]


_COLLECTION: Final = re.compile(
    r"\.(?:users?|accounts?|members?|people|employees?|staff)\.(?:find|find_one|insert_one|update_one|delete_one|get_item|put_item)$"
)
_TABLE: Final = re.compile(
    r"(?i)\b(?:from|into|update)\s+[\"`]?(?:users?|accounts?|members?|people|employees?|staff)\b"
)


def _loaders(facts: SourceFacts) -> list[Function]:
    """The functions that are registered to look people up."""
    named = {
        one.dotted
        for call in facts.calls(*(f"*.{name}" for name in LOOKUP))
        for one in call.args
        if isinstance(one, Name)
    }
    return [
        one for one in facts.functions() if one.name in named or any(by.name.endswith(LOOKUP) for by in one.decorators)
    ]


def _only_makes(facts: SourceFacts) -> bool:
    """The loader makes an object of what stands in the token, and asks nothing whether there is such a person."""
    loaders = _loaders(facts)
    return bool(loaders) and all(
        bool(loader.returns)
        and all(map(_is_of_the_token, loader.returns))
        and all(
            call.method[:1].isupper() or call.method in ("get", "int", "str", "dict")
            for call in facts.calls_in(loader.name)
        )
        for loader in loaders
    )


def _is_of_the_token(value: Value) -> bool:
    """An object or a mapping made of claims, or a claim itself."""
    if isinstance(value, Choice):
        return all(map(_is_of_the_token, value.options))
    if isinstance(value, Call):
        return value.method[:1].isupper() or value.callee == "dict"
    return isinstance(value, (Mapping, Parameter)) or (isinstance(value, Item) and isinstance(value.owner, Parameter))


def _looked_up_by_hand(facts: SourceFacts) -> bool:
    """A decorator or hook of the project seeks the person that the token names, and refuses where nobody is found."""
    used = {one.name for function in facts.functions() for one in function.decorators}
    hooks = {hook for route in facts.routes for hook in route.hooks}
    for call in facts.calls(*_WHO):
        home = call.function
        if not (home in hooks or home in used or home.rpartition(".")[0] in used):
            continue
        inside = list(facts.calls_in(home))
        seeks = any(other is not call and any(part is call for part in walk(other, 6)) for other in inside)
        if seeks and any(one.refuses or one.stops for one in facts.conditions_in(home)):
            return True
    return False


def _asked_for_the_list(facts: SourceFacts, kept: list[str]) -> bool:
    """The loader of the blocklist, or that of a check of one's own, looks the person up as well, so a token of nobody counts as ended."""
    asking = (*BLOCKLIST, *_VERIFIES)
    loaders = {
        one.dotted
        for call in facts.calls(*(f"*.{name}" for name in asking))
        for one in call.args
        if isinstance(one, Name)
    }
    loaders |= {one.name for one in facts.functions() if any(by.name.endswith(asking) for by in one.decorators)}
    return any(
        call.callee.startswith(f"{table}.") or any(isinstance(one, Name) and one.dotted == table for one in call.args)
        for loader in loaders
        for call in facts.calls_in(loader)
        for table in kept
    )


def _lets_people_in(app: App) -> bool:
    """That tokens are made here: a call says so, or a route is called a log-in."""
    return any(True for _ in issues(source_of(app))) or any(
        BEST.search(route.path) and "POST" in route.methods for route in app.routes
    )


RULE = Rule(
    slug="jwt-user-lookup-missing",
    family="flask-jwt-extended",
    title="Nothing looks whether the user still exists",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(613,),
    owasp="API2:2023",
    asvs=("V7.4.2",),
    surfaces=("source", "running"),
    ends="`Stopper(app)` refuses the tokens of disabled people at once.",
    certainty="likely",
    detect=detect,
)
