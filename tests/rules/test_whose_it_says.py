"""Things that say themselves whose they are, and rights that somebody who was given writes on the own account."""

from typing import Any

import pytest
from flask import Flask, abort, jsonify, request
from tests.rules.toy_people import RULE, ToyPeople

from stopper.core.probe import Identity
from stopper.core.probing.things.changes import owners_in
from stopper.core.secret import Secret
from stopper.scan.catalogue import load
from stopper.scan.trial import try_rule


class Bank(ToyPeople):
    """Everybody has an account and a mail from the start, which no request makes. ``asks`` says whether whose it is is asked."""

    def __init__(self, *, asks: bool = False, role: str = "user") -> None:
        self.asks, self.numbers, self.accounts = asks, dict[str, int](), list[dict[str, Any]]()
        super().__init__("bank")

        @self.app.get("/me")
        def me() -> Any:
            return jsonify(id=self.numbers[self.caller()], name=self.caller(), role=role)

    def joined(self, name: str) -> None:
        number = self.numbers[name] = len(self.numbers) + 1
        self.accounts.append({"id": number, "user_id": number, "balance": 10 * number})

    def may(self, one: dict[str, Any]) -> bool:
        return not self.asks or one["user_id"] == self.numbers[self.caller()]

    def lists(self) -> None:
        def listed() -> Any:
            self.caller()
            return jsonify(accounts=[one for one in self.accounts if self.may(one)])

        self.app.add_url_rule("/accounts", "listed", listed)

    def shows(self) -> None:
        def shown(number: int) -> Any:
            self.caller()
            return jsonify(
                next((one for one in self.accounts if one["id"] == number and self.may(one)), None) or abort(404)
            )

        self.app.add_url_rule("/accounts/<int:number>", "shown", shown)

    def mails(self) -> None:
        def read(org_id: int, user_id: int) -> Any:
            if self.asks and user_id != self.numbers[self.caller()]:
                abort(403)
            return (
                jsonify([{"id": 50 + user_id, "recipient_id": user_id, "text": f"to {user_id}"}])
                if self.caller()
                else abort(401)
            )

        self.app.add_url_rule("/orgs/<int:org_id>/users/<int:user_id>/messages", "read", read)


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize(
    ("adds", "path"),
    [
        ("lists", "/accounts"),
        ("shows", "/accounts/{number}"),
        ("mails", "/orgs/{org_id}/users/{user_id}/messages"),
    ],
)
def test_what_names_its_owner_is_shown_to_somebody_else(adds: str, path: str, asks: bool) -> None:
    bank = Bank(asks=asks)
    getattr(bank, adds)()
    found = bank.judged()
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or [ref.path for ref in found.routes] == [path]


def test_who_looks_after_the_accounts_of_others_sees_them() -> None:
    bank = Bank(role="manager")
    bank.lists()
    assert bank.judged().outcome != "fail"


class Wallets(ToyPeople):
    """Wallets that people make, and payees that are kept in one. ``asks`` says whether whose wallet it is is asked."""

    def __init__(self, *, asks: bool) -> None:
        super().__init__("wallets")
        self.wallets, self.payees = list[dict[str, Any]](), list[dict[str, Any]]()

        @self.app.route("/wallets", methods=["GET", "POST"])
        def wallets() -> Any:
            me = self.caller()
            if request.method == "POST":
                made = {"id": f"w{len(self.wallets)}", "owner": me, "label": str(request.get_json()["label"])}
                self.wallets.append(made)
                return jsonify(made), 201
            return jsonify([one for one in self.wallets if one["owner"] == me])

        @self.app.get("/wallets/<wallet_id>")
        def wallet(wallet_id: str) -> Any:
            return jsonify(self.of(wallet_id, self.caller()) or abort(404))

        @self.app.route("/payees", methods=["GET", "POST"])
        def payees() -> Any:
            me = self.caller()
            if request.method == "POST":
                held = self.of(request.get_json()["wallet_id"], me if asks else "") or abort(400)
                self.payees.append(
                    {"id": len(self.payees), "wallet_id": held["id"], "name": request.get_json()["name"]}
                )
                return jsonify(self.payees[-1]), 201
            return jsonify([one for one in self.payees if self.of(one["wallet_id"], me)])

    def of(self, number: str, owner: str) -> dict[str, Any] | None:
        return next((one for one in self.wallets if one["id"] == number and owner in ("", one["owner"])), None)


@pytest.mark.parametrize("asks", [False, True])
def test_what_is_stored_in_a_thing_of_somebody_else(asks: bool) -> None:
    def text(*names: str) -> dict[str, Any]:
        schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
        return {"responses": {}, "requestBody": {"content": {"application/json": {"schema": schema}}}}

    reads: dict[str, Any] = {"responses": {}}
    found = Wallets(asks=asks).judged(
        **{
            "/wallets": {"get": reads, "post": text("label")},
            "/wallets/{wallet_id}": {"get": reads},
            "/payees": {"get": reads, "post": text("wallet_id", "name")},
        }
    )
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or [(ref.method, ref.path) for ref in found.routes] == [("POST", "/payees")]


@pytest.mark.parametrize("asks", [False, True])
def test_what_is_made_with_a_member_that_holds_the_makers_id(asks: bool) -> None:
    bank, visits = Bank(asks=True), list[dict[str, Any]]()

    @bank.app.route("/visits", methods=["GET", "POST"])
    def visited() -> Any:
        me = bank.numbers[bank.caller()]
        if request.method == "GET":
            return jsonify([one for one in visits if one["doctor_id"] == me])
        sent = request.get_json()
        doctor = me if asks else sent.get("doctor_id", me)
        visits.append({"id": 900 + len(visits), "doctor_id": doctor, "reason": str(sent["reason"])})
        return jsonify(visits[-1]), 201

    @bank.app.get("/visits/<int:visit>")
    def one(visit: int) -> Any:
        me = bank.numbers[bank.caller()]
        return jsonify(
            next((one for one in visits if one["id"] == visit and one["doctor_id"] == me), None) or abort(404)
        )

    schema = {"type": "object", "properties": {"reason": {"type": "string"}}}
    post = {"responses": {}, "requestBody": {"content": {"application/json": {"schema": schema}}}}
    found = bank.judged(**{"/visits": {"get": {"responses": {}}, "post": post}})
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or [(ref.method, ref.path) for ref in found.routes] == [("POST", "/visits")]


@pytest.mark.parametrize(("had", "told"), [(0, True), (1, False)])
def test_a_right_that_is_there_is_written_by_who_was_given_and_taken_back(had: int, told: bool) -> None:
    """Where a member that is no column spoils the whole change."""
    app, account = Flask("strict"), dict[str, Any](user_id=7, email="ann@example.com", employee=had)

    @app.route("/user", methods=["GET", "PUT"])
    def user() -> Any:
        if request.headers.get("X-API-Key") != "the-key-of-ann":
            abort(401)
        sent = request.get_json() if request.method == "PUT" else {}
        account.update(sent if sent.keys() <= account.keys() else {})
        return jsonify(account)

    rule = next(rule for rule in load() if rule.slug == "mass-assignment")
    ann = Identity("ann", (("X-API-Key", Secret("the-key-of-ann")),))
    found = try_rule(rule, app, identities=[ann])
    assert (found.outcome == "fail") is told, found.message
    assert account["employee"] == had


@pytest.mark.parametrize("asks", [False, True])
def test_an_account_that_was_given_is_changed_by_another_to_what_it_says_already(asks: bool) -> None:
    """Where nobody can be registered; nothing of either account is another afterwards."""
    people = {
        n: {"id": n, "name": name, "email": f"{name}@example.com", "role": "user"}
        for n, name in ((1, "ann"), (2, "ben"))
    }
    before = {number: dict(one) for number, one in people.items()}
    app, keys = Flask("accounts"), {"key-of-ann": 1, "key-of-ben": 2}

    def caller() -> int:
        return keys.get(request.headers.get("X-API-Key", "")) or abort(401)

    app.add_url_rule("/me", "me", lambda: jsonify(people[caller()]))

    @app.put("/users/<int:user_id>/role")
    def role(user_id: int) -> Any:
        if asks and caller() != user_id:
            abort(403)
        one = people.get(user_id) if caller() else None
        (one or abort(404))["role"] = request.get_json()["role"]
        return jsonify(user=one)

    schema = {"type": "object", "properties": {"role": {"type": "string"}}}
    put = {"responses": {}, "requestBody": {"content": {"application/json": {"schema": schema}}}}
    paths = {"/me": {"get": {"responses": {}}}, "/users/{user_id}/role": {"put": put}}
    document = {"openapi": "3.0.3", "info": {"title": "accounts", "version": "1"}, "paths": paths}
    app.add_url_rule("/openapi.json", "document", lambda: jsonify(document))
    given = [Identity(name, (("X-API-Key", Secret(f"key-of-{name}")),)) for name in ("ann", "ben")]
    found = try_rule(RULE, app, identities=given)
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or [(ref.method, ref.path) for ref in found.routes] == [("PUT", "/users/{user_id}/role")]
    assert people == before


def test_who_somebody_is_to_a_thing_says_whose_it_is() -> None:
    said = {"hostId": 5, "guests": 2, "posted_by": "ann", "order": {"user_id": 3}}
    assert dict(owners_in(said)) == {"hostId": 5, "posted_by": "ann", "user_id": 3}
