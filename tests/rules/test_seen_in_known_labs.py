"""What known vulnerable applications do with things of others: balances for anybody, pages of administrators, carts."""

import itertools
import secrets
from typing import Any

import pytest
from flask import Flask, jsonify, redirect, request, session
from tests.rules.toy_people import ToyPeople

from stopper.core.app import App, Reader, Route
from stopper.core.finding import Verdict
from stopper.core.probe import Identity
from stopper.core.secret import Secret
from stopper.scan.catalogue import find
from stopper.scan.trial import try_rule

KEY = "k3c-9f81b7d2e6a4405f8c21"
ACCOUNT = '<form method="post"><input name="username"><input type="password" name="password"></form>'


def described(app: Flask, **forms: dict[str, str]) -> Flask:
    """*app* with a document of its *forms*: by each path, its slashes written as two underlines, the types of its fields."""
    paths: dict[str, Any] = {"/account": {"get": {"responses": {}}}}
    for name, fields in forms.items():
        path = name.replace("__", "/")
        schema = {
            "type": "object",
            "required": list(fields),
            "properties": {one: {"type": fields[one]} for one in fields},
        }
        sent = {"content": {"application/x-www-form-urlencoded": {"schema": schema}}}
        number = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}
        paths[path.replace("number", "{number}")] = {
            **({"get": {"responses": {}}} if "string" in fields.values() else {}),
            **({"parameters": [number]} if "number" in path else {}),
            "post": {"responses": {}, "requestBody": sent},
        }
    document = {"openapi": "3.0.3", "info": {"title": "shop", "version": "1"}, "paths": paths}
    app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
    app.add_url_rule("/account", "account", lambda: session["name"] if "name" in session else redirect("/login"))
    return app


@pytest.mark.parametrize(("says", "asks"), [("balance", False), ("balance", True), ("bio", False)])
def test_what_no_list_says_of_somebody_is_shown_to_nobody(says: str, asks: bool) -> None:
    """A public profile shows what people say of themselves; what an account holds is shown to its owner."""
    bank, numbers = ToyPeople("bank"), itertools.count(4_711_000_231, 7919)
    people = dict[str, int]()
    bank.joined = lambda name: people.update({name: next(numbers)})  # type: ignore[method-assign]
    bank.app.add_url_rule(
        "/me", "me", lambda: jsonify(username=bank.caller(), account_number=str(people[bank.caller()]))
    )

    def shown(account_number: str) -> Any:
        name = next((one for one, number in people.items() if str(number) == account_number), None)
        if name is None or (asks and bank.caller() != name):
            return jsonify(error="not found"), 404
        return jsonify({"username": name, "account_number": account_number, says: 1000 + people[name] % 89})

    bank.app.add_url_rule("/check_balance/<account_number>", "shown", shown)
    found = bank.judged()
    told = says == "balance" and not asks
    assert [str(ref) for ref in found.routes] == (["GET /check_balance/{account_number}"] if told else []), (
        found.message
    )
    assert not told or "without a credential" in found.message


@pytest.mark.parametrize(
    ("path", "asks", "told"),
    [("/admin/goods", False, True), ("/admin/goods", True, False), ("/guestbook", False, False)],
)
def test_a_page_of_administrators_takes_what_nobody_in_particular_sends(path: str, asks: bool, told: bool) -> None:
    rule, app, goods = find("route-without-authentication"), Flask("shop"), list[str]()
    app.secret_key = KEY

    def page() -> Any:
        if asks and "name" not in session:
            return redirect("/login")
        if request.method == "POST":
            goods.append(request.form["name"])
            return redirect(path)
        return f'<form method="post"><input name="name"></form><ul>{"".join(f"<li>{one}</li>" for one in goods)}</ul>'

    app.add_url_rule(path, "page", page, methods=["GET", "POST"])
    app.add_url_rule("/login", "login", lambda: ACCOUNT, methods=["GET", "POST"])
    app.add_url_rule("/", "start", lambda: f'<a href="{path}">goods</a><a href="/login">in</a>')
    assert rule is not None
    found = try_rule(rule, described(app, **{path: {"name": "string"}, f"{path}/edit/number": {"name": "string"}}))
    assert ([str(ref) for ref in found.routes] == [f"POST {path}"]) is told, found.message


@pytest.mark.parametrize("asks", [False, True])
def test_what_holds_no_text_is_taken_out_of_the_cart_of_another(asks: bool) -> None:
    rule, app, carts, numbers = (
        find("cross-user-object-access"),
        Flask("shop"),
        dict[int, tuple[str, int]](),
        itertools.count(1),
    )
    people = dict[str, str]()
    app.secret_key = KEY

    @app.route("/register", methods=["GET", "POST"])
    def register() -> Any:
        if request.method == "GET":
            return ACCOUNT
        people[request.form["username"]] = request.form["password"]
        return redirect("/login")

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        if request.method == "GET" or people.get(request.form["username"]) != request.form["password"]:
            return ACCOUNT, 200 if request.method == "GET" else 401
        session["name"] = request.form["username"]
        return redirect("/cart")

    @app.get("/cart")
    def cart() -> Any:
        mine = {number: good for number, (name, good) in carts.items() if name == session.get("name")}
        forms = "".join(
            f'<form method="post" action="/cart/remove/{number}">{good}</form>' for number, good in mine.items()
        )
        adds = '<form method="post" action="/cart/add"><input type="number" name="good_id"></form>'
        return f"{adds}{forms}" if "name" in session else redirect("/login")

    @app.post("/cart/add")
    def add() -> Any:
        kept = (session.get("name", ""), int(request.form["good_id"]))
        if kept[0] and kept not in carts.values():
            carts[next(numbers)] = kept
        return redirect("/cart")

    @app.post("/cart/remove/<int:number>")
    def remove(number: int) -> Any:
        if "name" not in session:
            return redirect("/login")
        if not asks or carts.get(number, ("",))[0] == session["name"]:
            carts.pop(number, None)
        return redirect("/cart")

    carts[next(numbers)] = ("somebody who was there", 3)
    assert rule is not None
    found = try_rule(rule, described(app, __cart__add={"good_id": "integer"}))
    assert ([str(ref) for ref in found.routes] == ["POST /cart/remove/{id}"]) is not asks, found.message
    assert carts[1] == ("somebody who was there", 3)


class TwoDoors:
    """Shops and sellers register with an address, and are nobody whose password or role is asked for; people do with a name, elsewhere."""

    def __init__(self) -> None:
        self.shops = ToyPeople("bank", called="email")
        self.people = {"carol": "carols-password", "dave": "daves-password"}
        self.roles, tokens = dict[str, str](), dict[str, str]()
        self.given = [Identity(name, (), subject=name, password=Secret(text)) for name, text in self.people.items()]

        @self.shops.app.post("/api/sellers/register")
        def new_seller() -> Any:
            return jsonify(ok=bool(request.get_json()["email"])), 201

        @self.shops.app.post("/api/people/register")
        def new_person() -> Any:
            self.people[request.get_json()["username"]] = request.get_json()["password"]
            self.roles[request.get_json()["username"]] = request.get_json().get("role", "reader")
            return jsonify(ok=True), 201

        @self.shops.app.post("/api/people/login")
        def enter() -> Any:
            sent, token = request.get_json(), secrets.token_urlsafe(24)
            if self.people.get(sent["username"]) != sent["password"]:
                return jsonify(error="no"), 401
            tokens[token] = sent["username"]
            return jsonify(token=token)

        @self.shops.app.get("/api/people/me")
        def me() -> Any:
            name = tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
            shown = jsonify(username=name, role=self.roles.get(name or "", "reader"))
            return shown if name else (jsonify(error="no"), 401)

        @self.shops.app.post("/forgot-password")
        def forgot() -> Any:
            known = request.get_json().get("username") in self.people
            pin = f"{secrets.randbelow(900) + 100}"
            return jsonify(debug_info={"pin": pin}) if known else (jsonify(error="no such user"), 404)

    def judged(self, slug: str) -> Verdict:
        taken = (
            ("/register", ("email", "password")),
            ("/login", ("email", "password")),
            ("/api/sellers/register", ("email", "password")),
            ("/api/people/register", ("username", "password")),
            ("/api/people/login", ("username", "password")),
            ("/forgot-password", ("username",)),
        )
        spec: frozenset[Reader] = frozenset({"spec"})
        routes = [Route(path, ("POST",), readers=spec, request_schema=schema(names)) for path, names in taken]
        source, rule = App(routes=(*routes, Route("/api/people/me", ("GET",), readers=spec)), readers=spec), find(slug)
        assert rule is not None
        return try_rule(rule, self.shops.app, source=source, identities=self.given)


def test_who_registers_for_the_scan_does_so_where_its_people_log_in() -> None:
    """The shops of an application have a registration and a log-in of their own, and are nobody whose password is asked for."""
    bank = TwoDoors()
    found = bank.judged("reset-token-weak")
    assert found.outcome == "fail", found.message
    assert (bank.people["carol"], bank.people["dave"]) == ("carols-password", "daves-password")


@pytest.mark.parametrize("slug", ["weak-password-accepted", "mass-assignment"])
def test_what_a_registration_takes_is_asked_first_where_the_given_people_log_in(slug: str) -> None:
    """All take any password; where the budget is little, that of the people is told."""
    bank = TwoDoors()
    found = bank.judged(slug)
    assert (found.outcome, [str(ref) for ref in found.routes]) == ("fail", ["POST /api/people/register"]), found.message
    assert not {"carol", "dave"} & set(bank.roles)


def schema(names: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "object", "required": list(names), "properties": {name: {"type": "string"} for name in names}}


@pytest.mark.parametrize("asks", [False, True])
def test_an_account_to_which_its_own_page_alone_leads_is_changed_by_another(asks: bool) -> None:
    """The page at which it is changed says nothing of whose it is."""
    rule, app, people = find("cross-user-object-access"), Flask("club"), dict[int, dict[str, str]]()
    app.secret_key, numbers = KEY, itertools.count(4)

    @app.route("/register", methods=["GET", "POST"])
    def register() -> Any:
        if request.method == "GET":
            return ACCOUNT
        people[next(numbers)] = {**request.form.to_dict(), "info": "new here"}
        return redirect("/login")

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        given = request.form.to_dict()
        found = [number for number, one in people.items() if given and given.items() <= one.items()]
        if not found:
            return ACCOUNT, 401 if given else 200
        session["_user_id"] = str(found[0])
        return redirect("/profile")

    @app.get("/profile")
    def profile() -> Any:
        one = people.get(int(session.get("_user_id", 0)))
        edit = f'<a href="/profile/edit/{session.get("_user_id")}">Edit</a>'
        return f"<p>{one['username']}: {one['info']}</p>{edit}" if one else redirect("/login")

    @app.route("/profile/edit/<int:number>", methods=["GET", "POST"])
    def edit(number: int) -> Any:
        me = session.get("_user_id", "")
        if not me or (asks and me != str(number)):
            return redirect("/login" if not me else "/profile")
        if request.method == "GET":
            return '<form method="post"><textarea name="info"></textarea></form>'
        people[number]["info"] = request.form["info"]
        return redirect("/profile")

    people[2] = {"username": "was-there", "password": "x", "info": "old"}
    assert rule is not None
    found = try_rule(rule, described(app, __profile__edit__number={"info": "string"}))
    told = {str(ref) for ref in found.routes} if found.outcome == "fail" else set[str]()
    assert (any(ref.startswith("POST /profile/edit/") for ref in told)) is not asks, found.message
    assert people[2]["info"] == "old"


@pytest.mark.parametrize(
    ("path", "asks", "more", "told"),
    [
        ("/fetch/customer", False, "cc_num", True),
        ("/fetch/customer", True, "cc_num", False),
        ("/fetch/author", False, "bio", False),
        ("/orders/close", False, "cc_num", False),
    ],
)
def test_a_post_that_reads_shows_somebody_by_a_number_in_its_body(path: str, asks: bool, more: str, told: bool) -> None:
    """Who shows only the own record is silent; so is a directory, and a POST that does something is not sent for it."""
    rule, shop = find("personal-data-in-response"), ToyPeople("shop")

    @shop.app.post(path)
    def fetch() -> Any:
        name, number = shop.caller(), int(request.get_json()["id"])
        if asks and list(shop.passwords).index(name) != number:
            return jsonify(error="not yours"), 403
        return jsonify({"id": number, "email": f"anna{number}@mail.example.net", more: f"30887931923043{number:02}"})

    shop.app.add_url_rule("/me", "me", lambda: jsonify(username=shop.caller()))
    spec: frozenset[Reader] = frozenset({"spec"})
    route = Route(path, ("POST",), readers=spec, request_schema=schema(("id",)))
    assert rule is not None
    found = try_rule(rule, shop.app, source=App(routes=(route,), readers=spec))
    assert (f"POST {path}" in [str(ref) for ref in found.routes]) is told, found.message


@pytest.mark.parametrize(("kind", "weighs"), [("blogpost", "medium"), ("invoice", None)])
def test_what_people_write_for_others_weighs_less_where_no_list_leaves_it_out(kind: str, weighs: str | None) -> None:
    things, numbers = ToyPeople("things"), itertools.count(1)
    kept = dict[int, str]()

    @things.app.post(f"/{kind}")
    def create() -> Any:
        things.caller()
        number = next(numbers)
        kept[number] = str(request.get_json().get("title"))
        return jsonify(id=number, title=kept[number]), 201

    @things.app.get(f"/{kind}/<int:number>")
    def shown(number: int) -> Any:
        things.caller()
        return jsonify(id=number, title=kept[number]) if number in kept else (jsonify(error="none"), 404)

    things.app.add_url_rule("/me", "me", lambda: jsonify(username=things.caller()))
    made = {"post": {"responses": {}, "requestBody": {"content": {"application/json": {"schema": schema(("title",))}}}}}
    found = things.judged(**{f"/{kind}": made})
    assert (found.outcome, found.severity) == ("fail", weighs), found.message
