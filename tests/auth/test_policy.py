"""Policies: two types, no way to write the precedence trap, every requirement judged for real."""

import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stopper.auth.policy import ATTRIBUTE, Credential, Policy, api_key, bearer, policy_of, public
from stopper.auth.policy_resource import owner, where
from stopper.auth.requirement import (
    Requirement,
    Situation,
    acr,
    any_of,
    fresh,
    mfa,
    once,
    permission,
    role,
    scope,
    tenant,
)
from stopper.core.errors import PolicyError, RefusalError
from stopper.core.principal import Principal, frozen

NOW = 1_800_000_000.0


def view() -> str:
    return "x"


def judged(
    rule: Requirement, *, arguments: dict[str, object] | None = None, single_use: Any = None, **who: Any
) -> str | None:
    """The reason for which *rule* refuses a principal, None when it does not."""
    claims = frozen(who.pop("claims", {}))
    principal = Principal(**{"subject": "alice", "kind": "bearer", "claims": claims, **who})
    refusal = rule.judge(Situation(principal, NOW, arguments or {}, single_use))
    return None if refusal is None else refusal.reason


class TestHowTheyCombine:
    def test_credentials_make_a_credential_and_requirements_a_policy(self) -> None:
        assert isinstance(bearer | api_key, Credential)
        assert isinstance(bearer & api_key, Credential)
        assert isinstance(bearer & scope("a"), Policy)
        assert isinstance(scope("a") & role("b"), Requirement)
        assert (bearer | api_key).alternatives == (frozenset({"bearer"}), frozenset({"api_key"}))
        assert (bearer & api_key).alternatives == (frozenset({"bearer", "api_key"}),)

    @pytest.mark.parametrize(
        "wrong",
        [
            lambda: scope("a") and bearer,
            lambda: bearer or api_key,
            lambda: bearer & scope("a") or api_key,
            lambda: bearer if not public else api_key,
        ],
    )
    def test_words_between_parts_would_drop_one(self, wrong: Any) -> None:
        with pytest.raises(PolicyError, match="drop a part"):
            wrong()

    @pytest.mark.parametrize(
        "wrong",
        [
            lambda: bearer | api_key & scope("a"),
            lambda: (bearer & scope("a")) | api_key,
            lambda: (bearer & scope("a")) | (api_key & scope("b")),
            lambda: scope("a") | scope("b"),
            lambda: bearer | scope("a"),
            lambda: scope("a") & bearer,
            lambda: (bearer & scope("a")) & api_key,
            lambda: public & scope("a"),
            lambda: public | bearer,
            lambda: bearer | public,
            lambda: bearer & public,
            lambda: bearer & "scope",
            lambda: bearer | None,
            lambda: scope("a")(view),
            lambda: mfa(view),
            lambda: scope(view),
            lambda: bearer(bearer),
            lambda: bearer(scope("a")),
            lambda: (bearer & mfa)("x"),
            lambda: bearer(bearer(functools.wraps(view)(lambda: "y"))),
            lambda: any_of(scope("a")),
            lambda: any_of(once, scope("a")),
            lambda: any_of(bearer, scope("a")),
            lambda: scope(),
            lambda: scope("a b"),
            lambda: scope('a"b'),
            lambda: role(""),
            lambda: fresh(),
            lambda: fresh(minutes=-1),
            lambda: owner(5),
            lambda: where("x"),
            lambda: acr(),
            lambda: tenant("a b"),
            lambda: policy_of(scope("a")),
            lambda: policy_of("public"),
        ],
    )
    def test_what_cannot_mean_anything_is_a_type_error_that_says_what_to_write(self, wrong: Any) -> None:
        with pytest.raises(PolicyError) as caught:
            wrong()
        assert isinstance(caught.value, TypeError)
        assert len(str(caught.value)) > 20

    def test_the_trap_is_a_type_error_for_mypy_too(self, tmp_path: Path) -> None:
        head = "from stopper import api_key, bearer, public, role, scope\n"
        lines = {
            "bearer | api_key & role('x')": True,
            "(bearer & role('x')) | api_key": True,
            "scope('a') | scope('b')": True,
            "scope('a')(lambda: 1)": True,
            "bearer | role('x')": True,
            "(bearer | api_key) & role('x')": False,
            "bearer & api_key & scope('a')": False,
            "bearer(lambda: 1)": False,
            "public(lambda: 1)": False,
        }
        snippet = tmp_path / "snippet.py"
        snippet.write_text(head + "\n".join(lines) + "\n", "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--no-incremental", str(snippet)],
            capture_output=True, text=True, timeout=300, check=False, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        wrong = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}
        assert wrong == {number for number, bad in enumerate(lines.values(), start=2) if bad}, done.stdout

    @pytest.mark.parametrize(
        ("rule", "text"),
        [
            (policy_of(public), "public"),
            (bearer & scope("notes:read"), 'bearer & scope("notes:read")'),
            (
                (bearer | api_key) & role("admin") & fresh(minutes=5) & mfa,
                '(bearer | api_key) & role("admin") & fresh(minutes=5) & mfa',
            ),
            (bearer & api_key & scope("a", "b"), 'bearer & api_key & scope("a", "b")'),
            (bearer & any_of(role("a"), scope("b")), 'bearer & any_of(role("a"), scope("b"))'),
            (bearer & owner("user_id"), 'bearer & owner("user_id")'),
            (bearer & owner(view), "bearer & owner(view)"),
            (bearer & where(lambda principal: True, "is kind"), "bearer & where(is kind)"),
            (bearer & fresh(seconds=90), "bearer & fresh(seconds=90)"),
        ],
    )
    def test_they_print_themselves(self, rule: Policy, text: str) -> None:
        assert str(rule) == repr(rule) == text


class TestAsDecorators:
    def test_the_view_stays_itself_and_carries_the_policy(self) -> None:
        def mine() -> str:
            return "x"

        assert bearer(mine) is mine
        assert str(getattr(mine, ATTRIBUTE)) == "bearer"

    def test_a_wrapper_inherits_it(self) -> None:
        @functools.wraps(bearer(lambda: "x"))
        def wrapper() -> str:
            return "y"

        assert str(getattr(wrapper, ATTRIBUTE)) == "bearer"

    def test_a_class_may_replace_what_it_inherits_but_not_have_two(self) -> None:
        @bearer
        class Parent:
            pass

        @api_key
        class Child(Parent):
            pass

        assert str(getattr(Child, ATTRIBUTE)) == "api_key"
        with pytest.raises(PolicyError, match="two policies"):
            bearer(Child)

    def test_what_cannot_carry_one_says_so(self) -> None:
        class Thing:
            def view(self) -> None: ...

        with pytest.raises(PolicyError, match="cannot carry"):
            bearer(Thing().view)


class TestWhatTheyDemand:
    def test_scope_wants_all(self) -> None:
        assert judged(scope("a", "b"), scopes=frozenset({"a", "b", "c"})) is None
        assert judged(scope("a", "b"), scopes=frozenset({"a"})) == "scope"
        assert judged(scope("note"), scopes=frozenset({"notes"})) == "scope"
        assert judged(scope("a")) == "scope"

    def test_role_wants_all(self) -> None:
        assert judged(role("a"), roles=frozenset({"a"})) is None
        assert judged(role("a", "b"), roles=frozenset({"a"})) == "role"

    def test_permission_reads_the_claim(self) -> None:
        assert judged(permission("w"), claims={"permissions": ["w", 1]}) is None
        for held in (["r"], "w", {"w": 1}, None):
            assert judged(permission("w"), claims={"permissions": held}) == "permission"

    def test_owner_by_argument_or_function(self) -> None:
        assert judged(owner("user"), arguments={"user": "alice"}) is None
        assert judged(owner("user"), arguments={"user": "bob"}) == "owner"
        assert judged(owner("user"), arguments={}) == "owner"
        assert judged(owner(lambda note: {1: "alice"}.get(note)), arguments={"note": 1}) is None
        assert judged(owner(lambda note: {1: "alice"}.get(note)), arguments={"note": 2}) == "owner"
        assert judged(owner(lambda: ""), subject="") == "owner"
        assert judged(owner(lambda: 1), subject="1") == "owner"

    def test_where_takes_true_and_nothing_else(self) -> None:
        assert judged(where(lambda principal, a: principal.subject == a), arguments={"a": "alice"}) is None
        for said in (False, None, 1, "yes", object()):
            assert judged(where(lambda principal, said=said: said)) == "where"

    def test_fresh_by_the_time_of_the_log_in(self) -> None:
        assert judged(fresh(minutes=5), auth_time=int(NOW) - 300) is None
        assert judged(fresh(minutes=5), auth_time=int(NOW) - 301) == "not-fresh"
        assert judged(fresh(minutes=5), auth_time=int(NOW) + 31) == "not-fresh"
        assert judged(fresh(minutes=5)) == "not-fresh"

    def test_mfa_wants_two_kinds_of_factor(self) -> None:
        for amr in (("mfa",), ("pwd", "otp"), ("fpt", "hwk")):
            assert judged(mfa, amr=amr) is None
        for amr in ((), ("pwd",), ("pwd", "pin"), ("otp", "hwk"), ("pwd", "unheard-of")):
            assert judged(mfa, amr=amr) == "no-second-factor"

    def test_acr_and_tenant(self) -> None:
        assert judged(acr("gold"), claims={"acr": "gold"}) is None
        assert judged(acr("gold"), claims={"acr": "silver"}) == "acr"
        assert judged(tenant("t"), tenant="a", arguments={"t": "a"}) is None
        assert judged(tenant("t"), tenant="a", arguments={"t": "b"}) == "tenant"
        assert judged(tenant("t"), arguments={"t": None}) == "tenant"
        assert judged(tenant("t"), tenant="", arguments={"t": ""}) == "tenant"

    def test_any_of_is_met_by_one(self) -> None:
        rule = any_of(role("admin"), scope("all") & fresh(minutes=1))
        assert judged(rule, roles=frozenset({"admin"})) is None
        assert judged(rule, scopes=frozenset({"all"}), auth_time=int(NOW)) is None
        assert judged(rule, scopes=frozenset({"all"})) == "role"

    def test_once_is_spent_last_and_only_by_bearers(self) -> None:
        class Memory:
            def __init__(self) -> None:
                self.used: set[tuple[str, str, str]] = set()

            def redeem(self, purpose: str, value: str, *, valid_for: float, tenant: str = "") -> bool:
                assert valid_for > 0
                fresh_one = (purpose, value, tenant) not in self.used
                self.used.add((purpose, value, tenant))
                return fresh_one

        memory = Memory()
        who: dict[str, Any] = {"credential_id": "j", "claims": {"exp": NOW + 10, "iss": "i"}, "single_use": memory}
        policy = bearer & once & scope("a")
        assert [part.text for part in policy.requirements] == ['scope("a")', "once"]
        principal = Principal("alice", "bearer", claims=frozen(who["claims"]), credential_id="j")  # type: ignore[arg-type]
        assert policy.judge(Situation(principal, NOW, {}, memory)).reason == "scope"  # type: ignore[union-attr]
        assert not memory.used
        assert judged(once, **who) is None
        assert judged(once, **who) == "replayed"
        assert judged(once, **{**who, "tenant": "other"}) is None
        assert judged(once, **{**who, "kind": "api_key"}) == "once-without-id"
        assert judged(once, **{**who, "credential_id": None}) == "once-without-id"
        assert judged(once, **{**who, "single_use": None}) == "no-single-use-store"


def test_refusals_are_the_right_kind() -> None:
    kinds = {
        scope("a"): 403, role("a"): 403, owner("x"): 403, fresh(minutes=1): 403, mfa: 403, once: 403,
    }  # fmt: skip
    for rule, status in kinds.items():
        refusal = rule.judge(Situation(Principal("a", "api_key"), NOW))
        assert isinstance(refusal, RefusalError)
        assert refusal.status == status
    assert fresh(minutes=1).judge(Situation(Principal("a", "bearer"), NOW)).error == "insufficient_user_authentication"  # type: ignore[union-attr]
