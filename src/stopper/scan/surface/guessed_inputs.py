"""Names of inputs that nobody tells: many usual ones go in one request, and what the answer does with them says which are read."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from stopper.core.app import App, Route
from stopper.core.exchange import Request, Response
from stopper.core.probe import Identity, Skipped
from stopper.core.probing.accounts.account_body import RIGHTS, account_body
from stopper.core.probing.baseline import is_door, same
from stopper.core.probing.llm import MODEL_PATH
from stopper.scan.people.doors import REGISTER
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.surface.nothing_there import speaks_for_itself
from stopper.scan.survey import ENDS_ACCESS
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.form_doors import FORM
from stopper.scan.wire.spared_accounts import is_of_oneself

ROUTES_MOST: Final = 14
"""Route-methods of which no reader knows an input that are asked."""
TOLD_MOST: Final = 6
"""Those of them that a document tells of, and says that they read nothing."""
SLOW: Final = 1.0
"""Seconds of an answer at a door that is asked for no names: each of a dozen questions would cost as much."""
FOUND_MOST: Final = 6
"""Names of one route that are kept."""
ECHOED: Final = 10
"""From so many names in the answer on, it repeats its own address."""
QUERY: Final = (
    "q", "query", "search", "s", "keyword", "term", "id", "user_id", "uid", "username", "user", "name", "email", "file", "filename", "path", "page", "url", "uri",
    "target", "host", "hostname", "ip", "address", "domain", "cmd", "command", "c", "code", "expr", "expression", "template", "tpl", "input", "user_input", "text", "message", "msg",
    "data", "content", "title", "comment", "category", "type", "key", "value", "next", "redirect", "xml", "lang", "sort", "filter", "prompt", "question",
    "asset", "owner", "include", "view", "theme", "order", "order_by", "sort_by",
)  # fmt: skip
"""Counted in what public Flask projects read by ``request.args``, and in samples that are weak on purpose."""
MORE: Final = (
    "customer", "customer_id", "client", "client_id", "order_id", "product", "product_id", "item", "item_id", "account", "account_id", "account_number",
    "number", "book", "book_id", "author", "post_id", "article_id", "role", "status", "date", "from", "to", "start", "end", "limit", "offset", "per_page", "size",
    "tag", "group", "department", "country", "city", "phone", "login", "year", "month", "price", "min", "max", "amount", "sku", "ref",
    "reference", "link", "src", "image", "document", "doc", "folder", "dir", "directory", "log", "report", "version", "format", "table", "column", "field",
    "first_name", "last_name", "nickname", "uuid", "note_id", "task_id", "ticket", "ticket_id", "invoice_id", "employee", "employee_id", "student", "student_id", "user_name",
)  # fmt: skip
"""Names that are asked for beside them with a quote in each value, which breaks a statement whatever stands in it."""
BODY: Final = (
    "username", "name", "email", "id", "user_id", "user", "title", "description", "message", "content", "text", "data", "body", "comment", "query", "search",
    "q", "url", "file", "filename", "path", "host", "hostname", "ip", "address", "cmd", "command", "code", "expression", "expr", "template", "input", "value", "key",
    "payload", "xml", "yaml", "object", "type", "category", "prompt", "question", "feedback", "note", "subject", "uri", "link", "target", "target_url", "image_url", "webhook_url",
    "callback_url", "domain", "customer", "product", "product_id", "item", "account", "author", "tag", "status", "amount", "quantity", "price", "filter", "keyword", "search_term",
    "document", "blob", "pickle", "serialized", "session", "state", "config", "script", "func", "args", "formula", "review", "reason", "bio", "address",
)  # fmt: skip
"""The same of bodies."""
_OF_PEOPLE: Final = frozenset({
    "username", "name", "email", "id", "user_id", "user", "account", "author", "customer", "status", "state", "value", "type",
})  # fmt: skip
"""Those of them by which somebody and what becomes of them is named."""
ACCOUNT: Final = (
    "username", "email", "password", "name", "first_name", "last_name", "firstname", "lastname", "full_name", "fullname", "confirm_password",
    "password_confirm", "password2", "phone", "address", "login", "user", "handle", "nickname", "phone_number",
)  # fmt: skip
BESIDE_AN_ACCOUNT: Final = (
    "role",
    "user_type",
    "account_type",
    "age",
    "gender",
    "country",
    "city",
    "date_of_birth",
    "dob",
)
"""What some registrations want beside it."""
_TEXTS: Final = (
    "q", "query", "search", "s", "keyword", "term", "id", "user_id", "uid", "username", "user", "name", "email", "page", "title", "category", "type", "key", "value", "code",
    "sort", "filter",
)  # fmt: skip
"""Those of the usual names that a statement may hold."""
FILE: Final = "/proc/version"
"""What is sent where a file may be named: it can be read, and a view that writes can make nothing there."""
_IDS: Final = re.compile(r"^(id|uid|\w+_id)$")
_COMMANDS: Final = re.compile(r"^(cmd|command|host|hostname|ip|address|domain|target|dir|folder|log|report)$")
BARE: Final = 200
"""Bytes of an answer that is a line of text and no page, whatever its type says."""
PAUSE: Final = 0.6
"""Seconds that a shell is told to wait."""
_FILES: Final = re.compile(r"^(file|filename|path|page)$")
_TOOLS: Final = re.compile(r"(?i)(^|[/_-])ping/?$")
"""A door of health by its name that is as often a tool: ``/ping?host=…``."""
Ask = Callable[[dict[str, str]], Response]


def guessed_inputs(
    app: App, courier: Courier, honest: HonestRequests, people: Sequence[Identity], most: int = ROUTES_MOST
) -> App:
    """*app*, each route that read one of the usual names with that name. Bodies are tried in mode active only, and at a route of a document where
    that tells none and the route refuses to go without."""
    routes: list[Route] = []
    left, told = most, TOLD_MOST
    for route in app.routes:
        made = [route]
        for method in ("GET", "POST"):
            if not left or ("spec" in route.readers and not told):
                continue
            if _unknown(route, method, honest) and (method == "GET" or courier.mode == "active"):
                left -= 1
                told -= "spec" in route.readers
                try:
                    made = _with_names(made, method, courier, honest, people)
                except Skipped:
                    continue
        routes.extend(made)
    return replace(app, routes=tuple(routes))


def guess_registrations(app: App, courier: Courier, honest: HonestRequests) -> None:
    """Let registrations whose fields nobody knows have all that an account usually has, where they take that and nothing less."""
    if courier.mode != "active":
        return
    for route in app.routes:
        known = route.names or route.request_schema or honest.learned.get(route.path)
        if "POST" not in route.methods or route.parameters or known or not REGISTER.search(route.path):
            continue
        try:
            bare = courier.carry(_json(honest, route, _account(honest.canary, ACCOUNT[:4]))).response
            # A view that takes a member out of its body without asking for it fails for want of one.
            if bare.status != 500 and (not 400 <= bare.status < 500 or bare.status in (401, 403, 404, 405, 429)):
                continue
            for names in (ACCOUNT, (*ACCOUNT, *BESIDE_AN_ACCOUNT)):
                if courier.carry(_json(honest, route, _account(honest.canary, names))).response.succeeded:
                    honest.learned[route.path] = names
                    break
        except Skipped:
            continue


def _account(canary: str, names: Sequence[str]) -> dict[str, object]:
    user = f"{canary}q"
    known = {name: "user" if RIGHTS.search(name) else user for name in names}
    return account_body(known, mail=f"{user}@example.com", user=user, password=f"Pass-{canary}-9a!").whole


def _unknown(route: Route, method: str, honest: HonestRequests) -> bool:
    known = honest.learned_query if method == "GET" else honest.learned
    return not (
        method not in route.methods
        or not route.readers <= {"wire", "spec"}
        or route.reads_no_query
        or route.names
        or route.request_schema
        or known.get(route.path)
        or (route.parameters and method == "GET")
        or ENDS_ACCESS.search(route.path)
        or MODEL_PATH.search(route.path)
        or (method == "GET" and is_door(route) and not _TOOLS.search(route.path))
        or (method == "POST" and REGISTER.search(route.path))
    )


def _with_names(
    made: list[Route], method: str, courier: Courier, honest: HonestRequests, people: Sequence[Identity]
) -> list[Route]:
    route = next(one for one in made if method in one.methods)
    rest = [one for one in made if one is not route]
    if method == "GET":  # of a path that is not there nothing is told by a query; a write may say 404 of a thing
        bare = courier.carry(honest(route, "GET")).response
        if bare.error or (bare.status == 404 and not speaks_for_itself(bare)):
            return made
        quoting = MORE if route.readers <= {"wire"} else ()
        names = _read(_asker(courier, honest, route, people, "query"), QUERY, honest.canary, quoting)
        return made if names is None else [*rest, replace(route, optional=names, reads_no_query=not names)]
    if is_of_oneself(route.path):
        people = ()  # a guess that is read would change who was given
    for kind in ("json", "form"):
        ask = _asker(courier, honest, route, people, kind)
        if "spec" in route.readers and ask({}).status not in (400, 415, 422, 500):
            return made  # it does what it does without
        try:
            names = _read(ask, BODY, honest.canary)
        except Skipped:  # what names somebody beside a status is not sent everywhere
            names = _read(ask, tuple(name for name in BODY if name not in _OF_PEOPLE), honest.canary)
        if names:
            others = tuple(one for one in route.methods if one not in ("POST", "PUT", "PATCH"))
            taking = replace(route, methods=("POST",), fields=names, takes_form=kind == "form")
            return [*rest, taking, *([replace(route, methods=others)] if others else [])]
    return made


def _asker(courier: Courier, honest: HonestRequests, route: Route, people: Sequence[Identity], kind: str) -> Ask:
    who: list[Identity | None] = []

    def ask(values: dict[str, str]) -> Response:
        if kind == "query":
            plain = honest(route, "GET")
            request = replace(plain, target=f"{plain.target}?{urlencode(values)}") if values else plain
        elif kind == "json":
            request = _json(honest, route, values)
        else:
            plain = _json(honest, route, values)
            request = replace(
                plain, headers=(("Accept", "*/*"), ("Content-Type", FORM)), body=urlencode(values).encode()
            )
        if who:
            return courier.carry(who[0].on(request) if who[0] is not None else request).response
        response = courier.carry(request).response
        own = None
        led_off = kind == "query" and response.sends_on
        if people and (response.refused or response.status == 500 or led_off):
            own = courier.carry(people[0].on(request)).response
        # A guard that breaks for want of a credential refuses too, and one that sends elsewhere.
        mine = own is not None and (response.refused or own.status < 500) and not (led_off and own.sends_on)
        who.append(people[0] if mine else None)
        return own if own is not None and mine else response

    return ask


def _json(honest: HonestRequests, route: Route, values: Mapping[str, object]) -> Request:
    return replace(honest(route, "POST"), body=json.dumps(values).encode())


def _read(ask: Ask, names: Sequence[str], canary: str, more: Sequence[str] = ()) -> tuple[str, ...] | None:
    """Those of *names* that the route reads, as far as its answers show, or else of *more*; None where they cannot tell."""
    nonsense = {f"{canary}-none": "1"}  # an empty body is told from one that lacks what is wanted
    plain = ask(nonsense)
    if plain.error or plain.refused or plain.status in (405, 429) or plain.seconds > SLOW:
        return None
    marks = _marks(names, canary)
    sent = {name: _value(name, mark) for name, mark in marks.items()}
    every = ask(sent)
    if every.error or every.refused or every.status == 429:
        return None
    repeated = [name for name, mark in marks.items() if mark in every.text]
    if repeated:
        return tuple(repeated[:FOUND_MOST]) if len(repeated) < ECHOED else None
    if same(plain, every) and (every.content_type != "text/html" or len(every.body) < BARE):
        # A program that runs a file of this name fails as it fails without; what a shell does behind it shows.
        # One that shows nothing at all still takes the time that the shell waits.
        sent = {
            name: f"{FILE};echo {canary}$((7919*6007));sleep {PAUSE}"
            for name in names
            if _FILES.match(name) or _COMMANDS.match(name)
        }
        every = ask(sent)
        if same(plain, every) and every.seconds > PAUSE > 3 * plain.seconds:
            found = _narrowed(ask, lambda response: response.seconds > PAUSE, list(sent), sent)
            return (found,) if found else None
    if same(plain, every) and more:
        sent = {name: f"{mark}'" for name, mark in _marks((*_TEXTS, *more), canary).items()}
        every = ask(sent)
        if shown := tuple(name for name, value in sent.items() if value.removesuffix("'") in every.text):
            return shown[:FOUND_MOST] if len(shown) < ECHOED else None
    if same(plain, every):
        return (
            () if plain.succeeded or (plain.sends_on and plain.header("Location") == every.header("Location")) else None
        )
    if not same(plain, ask(nonsense)):
        return None
    found = _narrowed(ask, lambda response: not same(plain, response), list(sent), sent)
    # A view that reads its body whole, as pickle does, tells of what the body begins with, and of no name.
    return (found,) if found and not same(plain, ask({**nonsense, found: sent[found]})) else None


def _marks(names: Sequence[str], canary: str) -> dict[str, str]:
    """A word of its own for each name."""
    return {name: f"{canary}{chr(97 + number // 26)}{chr(97 + number % 26)}z" for number, name in enumerate(names)}


def _value(name: str, mark: str) -> str:
    """A file where one may be named, a number that many things have where an id may, and else the mark."""
    if _FILES.match(name):
        return FILE
    return "1" if _IDS.match(name) else _meaning(mark)


def _meaning(mark: str) -> str:
    """A text that is worked out by a template or a shell, so that a route which shows nothing of what it is sent tells of it too."""
    return f"{mark}{{{{7919*6007}}}};echo {mark}$((7919*6007))"


def _narrowed(ask: Ask, tells: Callable[[Response], bool], names: list[str], sent: dict[str, str]) -> str:
    """The one of *names* that changes the answer by itself; empty where it takes several."""
    while len(names) > 1:
        half = names[: len(names) // 2]
        told = tells(ask({name: sent[name] for name in half}))
        names = half if told else names[len(names) // 2 :]
    alone = ask({name: sent[name] for name in names})
    return names[0] if tells(alone) and not alone.error and alone.status != 429 else ""
