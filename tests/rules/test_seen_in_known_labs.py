"""What known vulnerable applications do with things of others: balances for anybody, pages of administrators, carts."""

import itertools
from typing import Any

import pytest
from flask import Flask, jsonify, redirect, request, session
from tests.rules.toy_people import ToyPeople

from stopper.scan.catalogue import find
from stopper.scan.trial import try_rule

KEY = "k3c-9f81b7d2e6a4405f8c21"
ACCOUNT = '<form method="post"><input name="username"><input type="password" name="password"></form>'


def described(app: Flask, **forms: tuple[str, str]) -> Flask:
    """*app* with a document of its *forms*, each a path with the type of its one field."""
    paths: dict[str, Any] = {"/account": {"get": {"responses": {}}}}
    for name, (path, kind) in forms.items():
        schema = {"type": "object", "required": [name], "properties": {name: {"type": kind}}}
        sent = {"content": {"application/x-www-form-urlencoded": {"schema": schema}}}
        read: dict[str, Any] = {"get": {"responses": {}}} if kind == "string" else {}
        paths[path] = {**read, "post": {"responses": {}, "requestBody": sent}}
        if read:
            number = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}
            paths[f"{path}/edit/{{number}}"] = {"parameters": [number], "post": {"responses": {}, "requestBody": sent}}
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
    found = try_rule(rule, described(app, name=(path, "string")))
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
    found = try_rule(rule, described(app, good_id=("/cart/add", "integer")))
    assert ([str(ref) for ref in found.routes] == ["POST /cart/remove/{id}"]) is not asks, found.message
    assert carts[1] == ("somebody who was there", 3)
