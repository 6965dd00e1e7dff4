"""Things that say themselves whose they are, and rights that somebody who was given writes on the own account."""

from typing import Any

import pytest
from flask import Flask, abort, jsonify, request
from tests.rules.toy_people import ToyPeople

from stopper.core.probe import Identity
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
