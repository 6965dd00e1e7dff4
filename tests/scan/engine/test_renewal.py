"""A credential that ends during a scan is renewed: what comes after is tested as if it had never ended."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from flask import Flask, jsonify, request
from tests.scan.engine.test_engine import rule
from tests.scan.engine.test_scan import served

from stopper.core.exchange import Request, Response
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Identity, Steps, Target, compute, failed, passed, send, unsure
from stopper.core.probing.baseline import protected
from stopper.core.rule import Rule
from stopper.core.secret import Secret
from stopper.scan.options import ProbeOptions
from stopper.scan.report import Report
from stopper.scan.run import run_scan
from stopper.scan.wire.credential_watch import CredentialWatch

LIFE = 2.0
"""Seconds a token lives, by the API's own clock, which the tests move."""


@dataclass
class Bank:
    """An API whose tokens live two seconds; whose log-out ends every token of the person; that can lock the door."""

    now: float = 0.0
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    logins: int = 0
    locked: bool = False
    silent_401: int = 401
    deleted: list[str] = field(default_factory=list)

    def app(self) -> Flask:
        app = Flask("bank")
        app.add_url_rule("/login", "login", self.login, methods=["POST"])
        app.add_url_rule("/logout", "logout", self.logout, methods=["POST"])
        app.add_url_rule("/accounts", "accounts", self.accounts)
        app.add_url_rule("/accounts", "open_account", self.open_account, methods=["POST"])
        app.add_url_rule("/accounts/<name>", "close", self.close, methods=["DELETE"])
        app.add_url_rule("/", "home", lambda: jsonify(links=["/login", "/logout", "/accounts"]))
        app.add_url_rule("/openapi.json", "document", lambda: jsonify(DOCUMENT))
        return app

    def who(self) -> str | None:
        name, until = self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "), ("", 0.0))
        return name if self.now < until else None

    def login(self) -> Any:
        data = request.get_json(silent=True) or {}
        if self.locked or data.get("password") != "carols-password":
            return jsonify(error="no"), 401
        self.logins += 1
        token = secrets.token_urlsafe(24)
        self.tokens[token] = ("carol", self.now + LIFE)
        return jsonify(access_token=token)

    def logout(self) -> Any:
        if self.who() is None:
            return jsonify(error="no"), 401
        self.tokens.clear()
        return jsonify(out=True)

    def accounts(self) -> Any:
        return jsonify(mine=[1, 2]) if self.who() else (jsonify(error="no"), self.silent_401)

    def open_account(self) -> Any:
        return (jsonify(id="a7"), 201) if self.who() else (jsonify(error="no"), 401)

    def close(self, name: str) -> Any:
        if not self.who():
            return jsonify(error="no"), 401
        self.deleted.append(name)
        return "", 204


DOCUMENT = {
    "openapi": "3.0.0",
    "paths": {
        "/login": {"post": {"requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {"username": {"type": "string"}, "password": {"type": "string"}}}}}}}},
        "/logout": {"post": {"security": [{"t": []}]}},
        "/accounts": {"get": {"security": [{"t": []}]}, "post": {"security": [{"t": []}]}},
        "/accounts/{name}": {"delete": {"security": [{"t": []}]}},
    },
}  # fmt: skip
CAROL = Identity("carol", (), subject="carol", password=Secret("carols-password"))


def scan(bank: Bank, *rules: Rule, who: Identity = CAROL, **given: Any) -> Report:
    with served(bank.app()) as url:
        return run_scan(url, replace(ProbeOptions(rules=tuple(rules), mode="active", identities=(who,)), **given))


def outcome(report: Report, slug: str) -> str:
    return next(one.outcome for one in report.outcomes if one.slug == slug)


def looks(target: Target) -> Steps[Verdict]:
    """Passes when the person's credential opens the account list, and the shared baseline does too."""
    mine = yield from send(target.identities[0].on(Request("GET", "/accounts")))
    kept = yield from protected(target)
    return passed("in") if mine.response.succeeded and kept is not None else unsure(f"kept out: {mine.response.status}")


def after(what: Callable[[], None]) -> Callable[[Target], Steps[Verdict]]:
    """A probe that finds the baseline, does *what*, and looks."""

    def probe(target: Target) -> Steps[Verdict]:
        yield from protected(target)
        yield from compute(what)
        return (yield from looks(target))

    return probe


def once(what: Callable[[], None]) -> Callable[[], None]:
    done: list[bool] = []

    def act() -> None:
        if not done:
            done.append(True)
            what()

    return act


@pytest.mark.parametrize("status", [401, 403, 422, 400])
def test_a_token_that_expires_under_a_probe_is_renewed_and_the_probe_runs_again(status: int) -> None:
    bank = Bank(silent_401=status) if status == 403 else Bank()

    def expire() -> None:
        bank.now += LIFE
        bank.silent_401 = status

    report = scan(bank, rule("expires", probe=after(once(expire))))
    assert outcome(report, "expires") == "pass"
    assert bank.logins == 2


def test_every_probe_gets_a_good_token_though_each_takes_longer_than_a_token_lives() -> None:
    bank = Bank()

    def long() -> None:
        bank.now += LIFE

    def probe(target: Target) -> Steps[Verdict]:
        verdict = yield from looks(target)
        yield from compute(long)
        yield from send(target.identities[0].on(Request("GET", "/accounts")))
        return verdict

    rules = [rule(f"probe-{number}", probe=probe, disturbs=True) for number in range(6)]
    report = scan(bank, *rules)
    assert [one.outcome for one in report.outcomes] == ["pass"] * 6


def test_a_logout_that_ends_every_token_takes_nobody_from_the_probes_after_it() -> None:
    def out(target: Target) -> Steps[Verdict]:
        yield from protected(target)
        gone = yield from send(target.identities[0].on(Request("POST", "/logout", (), b"", "write")))
        return passed("out") if gone.response.succeeded else unsure("it did not log out")

    rules = [
        rule("out-1", probe=out, disturbs=True), rule("looks", probe=looks, disturbs=True), rule("out-2", probe=out, disturbs=True)
    ]  # fmt: skip
    report = scan(Bank(), *rules)
    assert [one.outcome for one in report.outcomes] == ["pass"] * 3


def test_the_probe_that_ends_a_token_sees_that_it_ended() -> None:
    """A renewal in the middle of it would make a token that was revoked look alive."""

    def out(target: Target) -> Steps[Verdict]:
        mine = target.identities[0].on(Request("GET", "/accounts"))
        before = yield from send(mine)
        yield from send(target.identities[0].on(Request("POST", "/logout", (), b"", "write")))
        late = yield from send(mine)
        if late.response.succeeded:
            return failed("alive", [RouteRef("GET", "/accounts")], [Evidence("exchange", "late", late)])
        return passed("ended") if before.response.succeeded else unsure("it was not in")

    report = scan(Bank(), rule("out", probe=out, disturbs=True), rule("again", probe=out, disturbs=True))
    assert [one.outcome for one in report.outcomes] == ["pass", "pass"]


def test_what_was_made_before_a_renewal_is_taken_back_with_the_new_token() -> None:
    bank = Bank()

    def makes(target: Target) -> Steps[Verdict]:
        route = next(one for one in target.app.routes if one.path == "/accounts" and "POST" in one.methods)
        yield from send(target.identities[0].on(target.request_for(route, "POST")))
        return passed("made")

    def expire(target: Target) -> Steps[Verdict]:
        yield from compute(lambda: setattr(bank, "now", bank.now + LIFE))
        return (yield from looks(target))

    report = scan(bank, rule("makes", probe=makes, disturbs=True), rule("later", probe=expire, disturbs=True))
    assert bank.deleted == ["a7"]
    assert not [one for one in report.skipped if "stayed there" in one.reason]


def test_an_account_that_is_lost_is_told_and_not_hammered() -> None:
    bank = Bank()

    def lock() -> None:
        bank.now += LIFE
        bank.locked = True

    rules = [rule("locks", probe=after(lock))] + [rule(f"looks-{n}", probe=looks, disturbs=True) for n in range(9)]
    report = scan(bank, *rules)
    (said,) = [one.reason for one in report.skipped if "carol's credential ended during the scan" in one.reason]
    assert "carols-password" not in said
    assert report.requests < 140


def test_a_given_token_that_ends_is_told_with_what_to_type() -> None:
    bank = Bank()
    bank.tokens["t0"] = ("carol", LIFE)
    given = Identity("carol", (("Authorization", Secret("Bearer t0")),), token=Secret("t0"))
    report = scan(bank, rule("ends", probe=after(lambda: setattr(bank, "now", LIFE))), who=given)
    assert any("give NAME='Login user:pass'" in one.reason for one in report.skipped)


def test_a_passive_scan_does_not_log_in_again() -> None:
    bank = Bank()
    bank.tokens["t0"] = ("carol", LIFE)
    given = replace(CAROL, headers=(("Authorization", Secret("Bearer t0")),), token=Secret("t0"))
    scan(bank, rule("ends", probe=after(lambda: setattr(bank, "now", LIFE))), who=given, mode="passive")
    assert bank.logins == 0


def test_a_route_that_refuses_this_person_for_other_reasons_costs_one_question() -> None:
    def forbidden(target: Target) -> Steps[Verdict]:
        for _ in range(5):
            yield from send(target.identities[0].on(Request("GET", "/inner")))
        return passed("asked")

    bank = Bank()
    rules = [rule(f"asks-{number}", probe=forbidden, disturbs=True) for number in range(3)]
    scan(bank, *rules)
    assert bank.logins == 1


def test_only_the_exact_credential_speaks_for_itself() -> None:
    """A forged or doubled credential that is refused says nothing of the good one."""
    watch = CredentialWatch()
    watch.take_up("carol", (("Authorization", "Bearer good"),))
    for headers in (
        (("Authorization", "Bearer bad"),),
        (),
        (("Authorization", "Bearer good"), ("authorization", "Bearer bad")),
    ):
        watch.learn(Request("GET", "/a", headers, identity="carol"), Response(401))
    assert not watch.doubted("carol")
    watch.learn(Request("GET", "/a", (("authorization", "Bearer good"),), identity="carol"), Response(401))
    assert watch.doubted("carol")


def test_only_what_was_replaced_before_a_probe_began_is_swapped_in_it() -> None:
    watch = CredentialWatch()
    watch.take_up("carol", (("Authorization", "Bearer one"),))
    began = watch.generation
    watch.take_up("carol", (("Authorization", "Bearer two"),))
    old = Request("GET", "/a", (("Accept", "x"), ("Authorization", "Bearer one")), identity="carol")
    assert watch.fresh(old, began) == old
    assert watch.fresh(old, watch.generation).header("Authorization") == "Bearer two"
    assert watch.fresh(old).header("Authorization") == "Bearer two"
    assert watch.fresh(replace(old, identity="bob")).header("Authorization") == "Bearer one"


def test_nobody_is_asked_after_again_where_probes_only_read() -> None:
    def reads(target: Target) -> Steps[Verdict]:
        yield from send(Request("GET", "/"))
        return passed(target.base_url)

    few, many = (
        scan(Bank(), *(rule(f"reads-{number}", probe=reads, disturbs=True) for number in range(count)))
        for count in (2, 5)
    )
    assert many.requests - few.requests == 3
