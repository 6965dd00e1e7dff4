"""Whoever is logged in changes the number in the address and gets what belongs to somebody else."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App, Route
from stopper.core.fact import ClassFact, Function
from stopper.core.facts import SourceFacts, source_of
from stopper.core.flow.body_models import classes_by_name
from stopper.core.flow.nested_functions import inside
from stopper.core.flow.unpacked_calls import unpacked
from stopper.core.flow.view_functions import FunctionIndex, index_of
from stopper.core.guards.apart_from_parent import is_tied_to_judged, looked_up_apart
from stopper.core.guards.asked_whose import asks_on_another_way, asks_whose
from stopper.core.guards.directories import is_in_a_directory, is_spoken_of, models_named
from stopper.core.guards.everybodys_rows import is_a_wish, is_read_for_all, model_of, says_no_owner
from stopper.core.guards.free_things import stops_where_found, takes_what_is_free
from stopper.core.guards.kept_in_memory import kept_keys, kept_under, looked_through
from stopper.core.guards.named_by_id import ACCOUNT_NUMBER, PAYS, is_id, is_statement_by_id
from stopper.core.guards.reached_by_admins import logs_in_admins_alone
from stopper.core.guards.seeming_guards import is_seemingly_guarded
from stopper.core.keys.shared_credentials import lets_programs_in
from stopper.core.owner_names import ADMIN_GUARD, OWNER, PRIVATE, is_for_customers
from stopper.core.people import people_tables
from stopper.core.people.everybodys_deeds import is_everybodys_deed
from stopper.core.people.kinds_of_staff import asks_a_role, is_for_a_role, is_for_admins
from stopper.core.place import RouteRef
from stopper.core.rule import Hit, Rule, Severity
from stopper.core.stores.made_things import collection_of, collections_of, is_listed_whole
from stopper.core.stores.rows_of_somebody import is_of_people
from stopper.core.stores.sql_tables import table_of, tables_of, tables_read_whole
from stopper.core.values import (
    Call,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Value,
    text_of,
    walk,
)

_BY_KEY: Final = (
    "get", "get_or_404", "get_or_raise", "one_or_404", "get_by_id", "find_by_id", "find_one", "find_one_and_update", "find_one_and_delete",
    "update_one", "delete_one", "get_one", "get_or_none", "find_one_or_404", "find_one_and_replace", "delete_by_id", "get_item",
    "update_item", "delete_item",
)  # fmt: skip
_OF_DOCUMENTS: Final = frozenset(one for one in _BY_KEY if one.endswith("_one") or "_one_and_" in one)
_BY_FILTER: Final = ("filter_by", "filter", "where")
_MINE: Final = re.compile(
    r"(?i)^(?:owner|author|user|creator|(?:created|uploaded|ordered|booked|requested|submitted)_by|uploader|seller|buyer|recipient|sender|customer|client|patient|student|employee|"
    r"member|borrower|holder|subscriber|applicant|guest|account|merchant|tenant)(?:_id|_email|_name)?$|^uid$|^userid$"
)
"""A column that says which person a row belongs to."""
_CATALOGUE: Final = re.compile(
    r"(?i)(^|[/_-])(products?|categor\w+|tags?|articles?|posts?|books?|movies?|songs?|courses?|events?|countries|cities|news|pages?|recipes?|public)([/_-]|$)"
)


_NARROWED: Final = frozenset({"before_compile", "do_orm_execute"})
_NARROWS: Final = frozenset({"filter", "filter_by", "where", "with_loader_criteria", "options"})
_WHO_ASKS: Final = re.compile(r"(?i)user|tenant|principal|identity|security|account|organi[sz]ation|company")
_FIRESTORES: Final = ("firebase_admin", "google.cloud.firestore", "google.cloud")
_ASKS_OTHERS: Final = frozenset({"requests", "httpx", "aiohttp", "urllib3"})
_SERVES: Final = frozenset({"flask.send_file", "flask.send_from_directory"})
_FILE_ID: Final = re.compile(r"(?i)(?:^|_)(?:id|uuid|number|no|uid)$")
_STEM: Final = re.compile(r"_?(?:ids?|uuids?|pk)$")
_TEMPLATES: Final = re.compile(r"(?i)^[^{]*[/_-](?:templates?|templating)(?=[/_-])")
"""Templates of tasks and notes, out of which everybody's are made."""
_KINDS: Final = re.compile(
    r"(?i)(?:[a-z][-_](?:types?|status(?:es)?|classifications?|categor(?:y|ies)|severit(?:y|ies)|priority|priorities|kinds?)|(?:^|/)global/[\w-]+)/\{[^{}/]+\}/?$"
)
"""What things may be, and what is everybody's by its name: ``/task-status/{id}``, ``/global/tasks/{id}``."""


def detect(app: App) -> Iterator[Hit]:
    """Guarded routes that look a private thing up by an id from the path or the body, and never ask whose it is."""
    facts = source_of(app)
    if logs_in_admins_alone(facts):
        return
    narrowed = _narrowed_models(facts)
    index = index_of(facts)
    for route in app.routes:
        if "admin" in route.path.lower() or not any(map(is_seemingly_guarded, route.access.values())):
            continue
        lesser: Hit | None = None
        for method in route.methods:
            access = route.access.get(method)
            if access is None or not is_seemingly_guarded(access) or method in ("HEAD", "OPTIONS"):
                continue
            own = list(index.of_view(route.view, route.span, method))
            own += _loaders(index, own, route)
            customers = {one.name for view in own for one in view.decorators if is_for_customers(one)}
            guards = [one.name for one in access.guards if one.stops is not False and one.name not in customers]
            if any(map(ADMIN_GUARD.search, guards)):
                continue
            if is_for_admins(index, access) or is_everybodys_deed(index, route, method):
                continue
            if lets_programs_in(index, (one.name for one in access.guards)):
                continue  # whoever holds the credential of the settings acts for everybody
            call = next(
                (
                    one
                    for one in _lookups(index, own)
                    if (_matters(index, route, method, one) or asks_on_another_way(index, route, own, one))
                    and model_of(one) not in narrowed
                    and not asks_whose(index, route, own, one)
                    and not takes_what_is_free(index, own)
                    and not stops_where_found(index, own, one)
                    and not is_a_wish(facts, one)
                    and not is_tied_to_judged(facts, route, own, one)
                ),
                None,
            )
            if call is not None and method == "GET" and _is_a_kind(route):
                continue
            if call is not None and method == "GET":
                models = () if _private(route) else models_named(call)
                if is_in_a_directory(app, index, route, models):
                    continue
            if call is not None:
                message = f"{method} {route.path} looks a thing up by its id and never asks whose it is"
                where = RouteRef(method, route.path)
                if is_read_for_all(facts, own, call):
                    said = f"{message}: look whether everybody may read it, as they may its list"
                    lesser = Hit(said, call.span, where, certainty="possible", severity="low")
                    continue
                lesser = None
                if says_no_owner(facts, call):
                    message = f"{message}: look whether it is somebody's, its model has no column that says so"
                    yield Hit(message, call.span, where, certainty="possible", severity="low")
                else:
                    by_role = any(map(asks_a_role, own)) or is_for_a_role(index, access)
                    weight: Severity | None = "low" if by_role else None
                    yield Hit(message, call.span, where, severity=weight)
                break
            apart = next(looked_up_apart(facts, route, own), None)
            if apart is not None:
                told, child, above = apart
                message = (
                    f"{method} {route.path} asks about `{above}` alone, and takes any `{child}`, whatever it belongs to"
                )
                yield Hit(message, told.span, RouteRef(method, route.path), certainty="likely")
                break
        if lesser is not None:
            yield lesser


def _narrowed_models(facts: SourceFacts) -> frozenset[str]:
    """The models of which every query is narrowed to what the caller may see, where SQLAlchemy puts its statement together: those that have a
    column which is asked for there."""
    columns = {
        part.attribute
        for function in facts.functions()
        for one in function.decorators
        if one.name.endswith("listens_for") and one.call is not None
        if any(text_of(given) in _NARROWED for given in one.call.args)
        and any(_WHO_ASKS.search(call.callee) for call in facts.calls_in(function.name))
        for call in facts.calls_in(function.name)
        if call.method in _NARROWS
        for given in call.args
        for part in walk(given, 4)
        if isinstance(part, Member)
    }
    return frozenset(one.name for one in facts.classes() if columns & one.attributes.keys()) if columns else frozenset()


def _loaders(index: FunctionIndex, own: list[Function], route: Route) -> list[Function]:
    """What decorators and preprocessors of the project do before the view: ``@load(Note, "note")`` looks the thing up that the path names."""
    pulled = [*_preprocessors(index, route), *_hooked(index, route)]
    names = {decorator.name for function in own for decorator in function.decorators}
    inner = [index.by_name[one] for name in names if name in index.by_name for one in inside(index.facts, name)]
    return [one for one in (*inner, *pulled) if any(_looks_up(index, call) for call in index.facts.calls_in(one.name))]


def _hooked(index: FunctionIndex, route: Route) -> Iterator[Function]:
    """``g.note = Note.query.get(request.view_args["note_id"])`` in a hook that runs before the views of a blueprint."""
    if route.parameters and index.facts.says("view_args"):
        hooks = {hook for one in index.facts.routes_of_view(route.view) for hook in one.hooks}
        yield from (index.by_name[one] for one in sorted(hooks) if one in index.by_name)


def _preprocessors(index: FunctionIndex, route: Route) -> list[Function]:
    """``@bp.url_value_preprocessor`` with ``values.pop("note_id")``, which this path has."""
    if not index.facts.says("url_value_preprocessor", "app_url_value_preprocessor"):
        return []
    every = index.facts.once("preprocessors of paths", lambda: tuple(_pulling(index.facts)))
    names = {name for name, _ in route.parameters}
    return [function for function, pulled in every if not pulled.isdisjoint(names)]


def _pulling(facts: SourceFacts) -> Iterator[tuple[Function, frozenset[str]]]:
    """Each function that runs before views with the paths' values, and the texts that are the first argument of a call in it."""
    for function in facts.functions():
        if any(one.name.endswith("url_value_preprocessor") for one in function.decorators):
            said = (text_of(call.argument(0)) for call in facts.calls_in(function.name))
            yield function, frozenset(text for text in said if text is not None)


def _lookups(index: FunctionIndex, own: list[Function]) -> Iterator[Call | Item]:
    """The look-ups of a view, and those of the functions of the project that it hands the id to."""
    facts = index.facts
    for function in own:
        for call in facts.calls_in(function.name):
            if _looks_up(index, call):
                yield call
        yield from _handed_on(index, function.name)
        for call in facts.calls_in(function.name) if facts.imports(*_FIRESTORES) else ():
            if call.method == "document" and any(is_id(index, value) for value in call.args):
                yield call
        for call in facts.calls_in(function.name):
            if call.callee in _SERVES and any(_is_number(index, value) for value in call.args):
                yield call
        yield from kept_under(index, function)
        yield from looked_through(index, function)


def _handed_on(index: FunctionIndex, name: str, steps: int = 2) -> Iterator[Call]:
    """What a service looks up by the id that it is handed, or hands on to a repository."""
    for call in index.facts.calls_in(name) if steps else ():
        given = (*call.args, *(value for _, value in call.keywords))
        if call.callee in index.by_name and any(is_id(index, value) or _is_body(value) for value in given):
            yield from (inner for inner in index.facts.calls_in(call.callee) if _looks_up(index, inner))
            yield from _handed_on(index, call.callee, steps - 1)


def _is_body(value: Value) -> bool:
    """``controller.delete(request.json, identity)``: the id is in what was sent."""
    return (isinstance(value, Name) and value.dotted in ("flask.request.json", "flask.request.form")) or (
        isinstance(value, Call) and value.callee == "flask.request.get_json"
    )


def _is_number(index: FunctionIndex, value: Value) -> bool:
    """An id of the path, in the name of a file."""
    return any(
        isinstance(part, Parameter) and _FILE_ID.search(part.parameter) and index.facts.routes_of_view(part.function)
        for part in walk(value, 5)
    )


def _matters(index: FunctionIndex, route: Route, method: str, call: Call | Item) -> bool:
    """That the thing is somebody's, by the path or by its model. People are shown by their names to others, who change none of them."""
    if is_spoken_of(index, route, method, call) or (method == "GET" and _is_person_of_path(index, call)):
        return False
    if (route.parameters or _is_named_by_body(route, call)) and _private(route):
        return True
    if method == "GET" and any(map(ACCOUNT_NUMBER.fullmatch, _keys_sent(call))):
        return True
    return _is_of_somebody(index, route, method, call)


def _keys_sent(call: Call | Item) -> list[str]:
    return [text_of(part.key) or "" for part in walk(call, 5) if isinstance(part, Item)]


def _is_named_by_body(route: Route, call: Call | Item) -> bool:
    """``/appointments/cancel`` with an ``appointment_id`` in the form: what the path speaks of is named by what is sent."""
    keys = _keys_sent(call)
    if any(map(PAYS.fullmatch, keys)):
        return True
    stems = [stem for key in keys if (stem := _STEM.sub("", key.lower())) or key.lower() in ("id", "ids")]
    return any(stem in route.path.lower() for stem in stems)


def _is_a_kind(route: Route) -> bool:
    """``/task-types/{id}``, and not ``/order-status/{order_id}``, which tells of an order."""
    stem = _STEM.sub("", route.parameters[-1][0].lower()) if route.parameters else ""
    return _KINDS.search(route.path) is not None and not PRIVATE.search(f"/{stem}")


def _private(route: Route) -> bool:
    if _CATALOGUE.search(route.path) or _TEMPLATES.search(route.path):
        return False
    return bool(PRIVATE.search(route.path))


def _is_of_somebody(index: FunctionIndex, route: Route, method: str, call: Call | Item) -> bool:
    """That the model which is looked up says whose a row is. What everybody may read, only its owner may change."""
    if method == "GET" and (_CATALOGUE.search(route.path) or _TEMPLATES.search(route.path)):
        return False
    if any(map(_MINE.search, kept_keys(index, call))):
        return True
    known = classes_by_name(index.facts)
    models = [known[name] for name in models_named(call) if name in known]
    if isinstance(call, Call) and call.method in _OF_DOCUMENTS and "." in call.callee:
        noun = collection_of(call)
        shown = method == "GET" and is_listed_whole(index.facts, noun)
        if not shown and any(map(_MINE.search, collections_of(index.facts).get(noun, ()))):
            return True
    table = table_of(call) if isinstance(call, Call) else ""
    shown = method == "GET" and table in tables_read_whole(index.facts)
    if table and not shown and any(_MINE.search(column) for column in tables_of(index.facts).get(table, ())):
        return True
    return any(
        is_of_people(index.facts, model) or any(_MINE.search(column) for column in _columns(model)) for model in models
    )


def _columns(model: ClassFact) -> set[str]:
    """Its columns; a ``client_id`` beside a ``client_secret`` names a program of OAuth, and no customer."""
    found = {*model.attributes, *model.fields}
    return found - {"client_id"} if "client_secret" in found else found


def _looks_up(index: FunctionIndex, call: Call) -> bool:
    """A look-up by an id and by nothing else."""
    given = (*call.args, *(value for _, value in call.keywords))
    foreign = call.callee.startswith("flask.") and not call.callee.startswith("flask.g.")
    if foreign or not any(is_id(index, value) for value in given):
        return False
    by_id = is_statement_by_id(index, call) if call.args else None
    if by_id is not None and (call.method == "execute" or len(call.args) > 1):
        return by_id
    if call.method in _BY_KEY or call.method == "execute":
        if call.method == "execute":
            return False
        maps = [value for value in (*call.args, call.keyword("Key")) if isinstance(value, Mapping)]
        if maps:
            return not any(OWNER.search(key) for key in maps[0].keys())  # noqa: SIM118
        return not (call.method == "get" and _is_library(call))
    if call.method in _BY_FILTER:
        if any(OWNER.search(name) and _is_of_path(index, value) for name, value in call.keywords):
            return True  # whose things they are is said by the address
        if _is_person_of_path(index, call):
            return True
        names = {name for one in unpacked(index.facts, call) for name, _ in one.keywords}
        return not any(map(OWNER.search, names)) and not any(map(_names_owner, call.args))
    return False


def _is_of_path(index: FunctionIndex, value: Value) -> bool:
    """``/users/{user_id}/orders``: a parameter before private things, which whoever asks may change."""
    return isinstance(value, Parameter) and any(
        PRIVATE.search(route.path.rpartition("}")[2]) is not None and not _CATALOGUE.search(route.path)
        for route in index.facts.routes_of_view(value.function)
        if value.parameter in {name for name, _ in route.parameters}
    )


def _is_person_of_path(index: FunctionIndex, call: Call | Item) -> bool:
    """``User.query.filter_by(username=username)`` with what the address says: an account, by its name and by nothing else."""
    if not isinstance(call, Call) or call.args or len(call.keywords) != 1 or call.method not in _BY_FILTER:
        return False
    ((_, value),) = call.keywords
    of_path = isinstance(value, Parameter) and any(
        value.parameter in {name for name, _ in route.parameters}
        for route in index.facts.routes_of_view(value.function)
    )
    return of_path and any(people_tables.is_of_people(name.rpartition(".")[2]) for name in models_named(call))


def _is_library(call: Call) -> bool:
    root, _, rest = call.callee.partition(".")
    return root in _ASKS_OTHERS or ("." not in rest and root in ("os", "session", "cache", "redis"))


def _names_owner(value: Value) -> bool:
    return any(
        (isinstance(part, Member) and OWNER.search(part.attribute))
        or (isinstance(part, Name) and OWNER.search(part.dotted.rpartition(".")[2]))
        for part in walk(value, 4)
    )


RULE = Rule(
    slug="object-lookup-without-owner",
    family="authorization",
    title="An object is looked up by an id with no owner filter",
    harm=__doc__ or "",
    severity="high",
    check="object-authorization",
    cwe=(639,),
    owasp="API1:2023",
    asvs=("V8.2.2",),
    surfaces=("source",),
    ends="`owner(function)` in a policy of Stopper lets only the owner's request reach the view.",
    certainty="likely",
    detect=detect,
)
