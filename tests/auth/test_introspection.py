"""An opaque token is worth what its issuer says now, asked once for many, never longer than the token lives."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.auth.token_smith import AUDIENCE, ISSUER, NOW, hs256

from stopper import InvalidCredentialError, Issuer, Secret, SettingError, StoreUnavailableError
from stopper.auth.api_key_form import new_key
from stopper.auth.clock import SetClock
from stopper.auth.introspection import MOST_AT_ONCE, Lifetimes, OpaqueTokens, is_opaque
from stopper.auth.issuer import Introspection

ABOUT = Introspection("https://issuer.example/introspect", Secret("s"), "api")
ACTIVE: dict[str, Any] = {"active": True, "sub": "alice", "aud": AUDIENCE, "exp": NOW + 600, "scope": "a b"}


def issuer(**more: Any) -> Issuer:
    return Issuer(ISSUER, profile="opaque", introspection=ABOUT, **{"audience": AUDIENCE, **more})


class Idp:
    """What the issuer says, and how often it was asked."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = ACTIVE if answer is None else answer
        self.asked: list[str] = []

    def __call__(self, token: Secret) -> dict[str, object]:
        self.asked.append(token.reveal())
        if isinstance(self.answer, Exception):
            raise self.answer
        return dict(self.answer)


class World:
    def __init__(self, answer: Any = None, **options: Any) -> None:
        self.idp, self.clock = Idp(answer), SetClock(NOW)
        self.tokens = OpaqueTokens(options.pop("issuer", None) or issuer(), self.idp, self.clock, **options)

    def refused(self, token: str = "t") -> str:
        with pytest.raises(InvalidCredentialError) as raised:
            self.tokens.verify(token)
        return raised.value.reason


def test_an_active_token_is_its_subject_with_its_scopes() -> None:
    principal = World({**ACTIVE, "jti": "1", "cnf": {"jkt": "x"}}).tokens.verify("t")
    assert (principal.subject, principal.kind, principal.scopes, principal.credential_id) == ("alice", "bearer", {"a", "b"}, "1")  # fmt: skip
    assert (principal.claims["iss"], principal.claims["cnf"]) == (ISSUER, {"jkt": "x"})
    assert "active" not in principal.claims


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"active": False}, "inactive"), ({"active": None}, "introspection-answer"), ({"active": "true"}, "introspection-answer"),
        ({"active": 1}, "introspection-answer"), ({"exp": NOW}, "expired"), ({"exp": str(NOW + 9)}, "bad-exp"), ({"exp": None}, "bad-exp"),
        ({"exp": True}, "bad-exp"), ({"sub": ""}, "bad-sub"), ({"sub": 7}, "bad-sub"), ({"aud": "other"}, "audience"), ({"aud": []}, "bad-aud"),
        ({"aud": [AUDIENCE, 7]}, "bad-aud"), ({"iss": "https://evil.example"}, "issuer"), ({"nbf": NOW + 60}, "not-yet-valid"),
        ({"iat": NOW + 60}, "not-yet-valid"), ({"token_type": "refresh_token"}, "not-an-access-token"), ({"token_type": 7}, "not-an-access-token"),
        ({"token_type": "DPoP"}, "unknown-binding"),
        ({"jti": ""}, "bad-jti"), ({"roles": "admin"}, "bad-roles"),
    ],
)  # fmt: skip
def test_answers_that_open_nothing(change: dict[str, Any], reason: str) -> None:
    assert World({**ACTIVE, **change}).refused() == reason


@pytest.mark.parametrize("name", ["exp", "aud", "sub", "active"])
def test_members_that_must_be_there(name: str) -> None:
    assert World({key: value for key, value in ACTIVE.items() if key != name}).refused()


def test_what_may_be_left_out_is_said() -> None:
    answer = {"active": True, "sub": "alice"}
    assert World(answer, issuer=issuer(require=["sub"])).tokens.verify("t").subject == "alice"
    with pytest.raises(SettingError, match="must hold sub"):
        issuer(require=["exp"])
    with pytest.raises(SettingError, match="no audience"):
        World(issuer=issuer(audience=None))
    assert World(issuer=issuer(audience=None), audience=AUDIENCE).tokens.verify("t")


def test_an_answer_is_remembered_for_its_time_and_never_past_exp() -> None:
    world = World({**ACTIVE, "exp": NOW + 40})
    for _ in range(3):
        world.tokens.verify("t")
    assert len(world.idp.asked) == 1
    world.clock.forward(30)
    world.tokens.verify("t")
    assert len(world.idp.asked) == 2
    world.clock.forward(10)
    assert world.refused() == "expired"
    assert len(world.idp.asked) == 3


def test_a_revoked_token_dies_when_the_answer_does() -> None:
    world = World()
    world.tokens.verify("t")
    world.idp.answer = {"active": False}
    world.clock.forward(30)
    assert world.refused() == "inactive"


def test_a_bad_answer_is_remembered_too_and_pushes_no_good_one_out() -> None:
    world = World(size=4)
    world.tokens.verify("good")
    world.idp.answer = {"active": False}
    for number in range(50):
        world.refused(f"bad{number}")
        world.refused(f"bad{number}")
    assert len(world.idp.asked) == 51
    world.tokens.verify("good")
    assert len(world.idp.asked) == 51
    world.clock.forward(10)
    world.refused("bad49")
    assert len(world.idp.asked) == 52


def test_no_memory_asks_every_time_and_a_clock_that_went_back_too() -> None:
    for world in (World(lifetimes=Lifetimes(0, 0)), World(size=0)):
        world.tokens.verify("t")
        world.tokens.verify("t")
        assert len(world.idp.asked) == 2
    world = World()
    world.tokens.verify("t")
    world.clock.forward(-1)
    world.tokens.verify("t")
    assert len(world.idp.asked) == 2


def test_one_token_of_many_is_not_taken_for_another() -> None:
    world = World()
    world.tokens.verify("a")
    world.idp.answer = {**ACTIVE, "sub": "bob"}
    assert (world.tokens.verify("b").subject, world.tokens.verify("a").subject) == ("bob", "alice")


def test_without_an_answer_nothing_is_remembered() -> None:
    world = World(StoreUnavailableError("introspection"))
    for _ in range(2):
        with pytest.raises(StoreUnavailableError):
            world.tokens.verify("t")
    assert len(world.idp.asked) == 2
    world.idp.answer = ACTIVE
    assert world.tokens.verify("t")


class Slow:
    """An issuer that answers when it is let go."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked, self.go = answer, 0, threading.Event()

    def __call__(self, token: Secret) -> dict[str, object]:
        self.asked += 1
        assert self.go.wait(30)
        if isinstance(self.answer, Exception):
            raise self.answer
        return dict(self.answer)


@pytest.mark.parametrize("answer", [ACTIVE, {"active": False}, StoreUnavailableError("x", 7), RuntimeError("odd")])
def test_those_who_show_one_token_at_once_are_asked_about_once(answer: Any) -> None:
    slow = Slow(answer)
    tokens = OpaqueTokens(issuer(), slow, SetClock(NOW))
    outcomes: list[str] = []

    def show() -> None:
        try:
            outcomes.append(tokens.verify("t").subject)
        except (InvalidCredentialError, StoreUnavailableError) as refused:
            outcomes.append(type(refused).__name__)
        except RuntimeError:
            outcomes.append("StoreUnavailableError")

    threads = [threading.Thread(target=show) for _ in range(24)]
    for thread in threads:
        thread.start()
    while not slow.asked:
        time.sleep(0.001)
    slow.go.set()
    for thread in threads:
        thread.join(30)
    assert len(outcomes) == 24
    assert len(set(outcomes)) == 1
    if not isinstance(answer, Exception):
        assert slow.asked == 1


def test_strangers_who_invent_tokens_flood_nobody() -> None:
    slow = Slow({"active": False})
    tokens = OpaqueTokens(issuer(), slow, SetClock(NOW))
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        under_way = [pool.submit(lambda n=n: tokens.verify(f"t{n}")) for n in range(MOST_AT_ONCE)]
        while slow.asked < MOST_AT_ONCE:
            time.sleep(0.001)
        with pytest.raises(StoreUnavailableError, match="introspection-busy"):
            tokens.verify("one more")
        slow.go.set()
        assert all(isinstance(one.exception(30), InvalidCredentialError) for one in under_way)
    assert slow.asked == MOST_AT_ONCE


@given(st.dictionaries(st.sampled_from(["active", "sub", "aud", "exp", "iat", "nbf", "iss", "scope", "roles", "amr", "auth_time", "token_type", "tenant", "jti"]),
                       st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=2)))  # fmt: skip
def test_no_answer_breaks_it(answer: dict[str, Any]) -> None:
    world = World({**ACTIVE, **answer})
    try:
        principal = world.tokens.verify("t")
    except InvalidCredentialError:
        return
    assert answer.get("active", True) is True
    assert principal.subject


def test_a_signed_token_is_never_shown_to_the_issuer() -> None:
    assert not is_opaque(hs256())
    # An API key that somebody put into the wrong header stays here: another system must not learn it.
    assert not is_opaque(new_key("live")[1])
    assert all(map(is_opaque, ["abc", "a.b.c", "eyJ.x", "v4.local.abc.def", ""]))
    assert World().refused("x" * 9000) == "token-too-long"


@pytest.mark.parametrize(
    "options",
    [
        {"profile": "opaque"},
        {"profile": "opaque", "introspection": ABOUT, "algorithms": ["ES256"]},
        {"profile": "opaque", "introspection": ABOUT, "keys": {"keys": []}},
        {"profile": "jwt", "introspection": ABOUT, "algorithms": ["ES256"], "keys": {"keys": []}},
        {"algorithms": ["ES256"]},
        {"profile": "other", "introspection": ABOUT},
    ],
)
def test_issuers_that_make_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(SettingError):
        Issuer(ISSUER, **options)
    assert "Secret" not in repr(ABOUT)


def test_an_answer_that_is_none_is_not_remembered() -> None:
    world = World(InvalidCredentialError("introspection-answer"))
    world.refused()
    world.idp.answer = ACTIVE
    assert world.tokens.verify("t").subject == "alice"
