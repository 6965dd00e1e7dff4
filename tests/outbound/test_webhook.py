"""A webhook is taken once, young, and signed by a key we know."""

import base64
import contextlib
import hashlib
import hmac
import threading
from collections.abc import Callable

import pytest
from flask import Flask, request
from hypothesis import given
from hypothesis import strategies as st

from stopper.auth.clock import SetClock
from stopper.auth.single_use import SingleUse
from stopper.core.errors import SettingError, StoreUnavailableError
from stopper.outbound import Secret, WebhookRefusedError
from stopper.outbound.webhook import RememberedIds, WebhookSigner, WebhookVerifier, new_secret

KEY, OTHER = new_secret(), new_secret()
BODY = b'{"event": "paid"}'


def verifier(*keys: Secret, clock: SetClock | None = None, window: float = 300.0) -> WebhookVerifier:
    clock = clock or SetClock()
    return WebhookVerifier(*(keys or (KEY,)), once=RememberedIds(clock=clock), window=window, clock=clock)


def signed(body: bytes = BODY, *keys: Secret, at: float = 1_800_000_000.0, **more: str) -> dict[str, str]:
    return WebhookSigner(*(keys or (KEY,)), clock=SetClock(at)).headers(body, **more)


def reason(call: Callable[[], object]) -> str:
    with pytest.raises(WebhookRefusedError) as refused:
        call()
    assert refused.value.status == 401
    return refused.value.reason


@pytest.mark.feature("F60")
def test_what_is_signed_verifies() -> None:
    headers = signed(webhook_id="msg_1")
    assert verifier().verify(headers, BODY) == "msg_1"


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """Computed by hand after the specification: base64 of HMAC-SHA256 over id.timestamp.body."""
    key = Secret("whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode())
    headers = WebhookSigner(key, clock=SetClock(1674087231)).headers(
        b'{"test": 2432232314}', webhook_id="msg_p5jXN8AQM9LWM0D4loKWxJek"
    )
    wanted = hmac.new(
        b"0123456789abcdef0123456789abcdef",
        b'msg_p5jXN8AQM9LWM0D4loKWxJek.1674087231.{"test": 2432232314}',
        hashlib.sha256,
    ).digest()
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1674087231",
        "webhook-signature": "v1," + base64.b64encode(wanted).decode(),
    }


def test_a_known_answer_of_the_specification() -> None:
    """The example that libraries of the specification test with."""
    key = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = WebhookSigner(key, clock=SetClock(1614265330)).headers(
        b'{"test": 2432232314}', webhook_id="msg_p5jXN8AQM9LWM0D4loKWxJek"
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


CHANGES: dict[str, Callable[[dict[str, str]], dict[str, str]]] = {
    "another id": lambda headers: {**headers, "webhook-id": "msg_other"},
    "another time": lambda headers: {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)},
    "no version": lambda headers: {**headers, "webhook-signature": headers["webhook-signature"].removeprefix("v1,")},
    "another version": lambda headers: {**headers, "webhook-signature": headers["webhook-signature"].replace("v1,", "v1a,")},
    "cut off": lambda headers: {**headers, "webhook-signature": headers["webhook-signature"][:-4]},
    "one bit": lambda headers: {**headers, "webhook-signature": "v1," + ("B" if headers["webhook-signature"][3] != "B" else "C") + headers["webhook-signature"][4:]},
    "comma joined": lambda headers: {**headers, "webhook-signature": headers["webhook-signature"] + ",x"},
    "behind sixteen others": lambda headers: {**headers, "webhook-signature": "v1,AAAA " * 16 + headers["webhook-signature"]},
    "not base64": lambda headers: {**headers, "webhook-signature": "v1,ü"},
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_is_refused(change: str) -> None:
    assert reason(lambda: verifier().verify(CHANGES[change](signed()), BODY)) == "signature"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_what_is_missing_is_refused(name: str) -> None:
    assert reason(lambda: verifier().verify({**signed(), name: ""}, BODY)) == "missing"
    assert (
        reason(lambda: verifier().verify({key: value for key, value in signed().items() if key != name}, BODY))
        == "missing"
    )


@pytest.mark.parametrize("at", ["1e9", "-5", "1800000000.5", " 1800000000", "١٨٠٠٠٠٠٠٠٠", "0x10", "18000000000000000"])
def test_an_odd_time_is_refused(at: str) -> None:
    assert reason(lambda: verifier().verify({**signed(), "webhook-timestamp": at}, BODY)) == "malformed"


def test_another_body_and_another_key_are_refused() -> None:
    assert reason(lambda: verifier().verify(signed(), BODY + b" ")) == "signature"
    assert reason(lambda: verifier(OTHER).verify(signed(), BODY)) == "signature"


@pytest.mark.parametrize(("late", "taken"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_the_window_is_exact(late: int, taken: bool) -> None:
    clock = SetClock(1_800_000_000.0 + late)
    if taken:
        verifier(clock=clock).verify(signed(), BODY)
    else:
        assert reason(lambda: verifier(clock=clock).verify(signed(), BODY)) == "too-old"


def test_a_replay_is_refused_for_as_long_as_it_could_pass() -> None:
    clock = SetClock(1_800_000_000.0 - 300)
    judge, headers = verifier(clock=clock), signed()
    judge.verify(headers, BODY)
    for _ in range(60):
        clock.forward(10)
        assert reason(lambda: judge.verify(headers, BODY)) == "replayed"
    clock.forward(1)
    assert reason(lambda: judge.verify(headers, BODY)) == "too-old"


def test_sent_again_under_the_same_id_counts_once() -> None:
    clock = SetClock()
    judge = verifier(clock=clock)
    judge.verify(signed(webhook_id="msg_7"), BODY)
    clock.forward(30)
    assert reason(lambda: judge.verify(signed(webhook_id="msg_7", at=clock.now), BODY)) == "replayed"


def test_a_forgery_does_not_use_an_id_up() -> None:
    judge, headers = verifier(), signed(webhook_id="msg_8")
    assert reason(lambda: judge.verify({**headers, "webhook-signature": "v1,AAAA"}, BODY)) == "signature"
    judge.verify(headers, BODY)


def test_keys_change_without_a_refused_webhook() -> None:
    old, new = KEY, OTHER
    for sent_with, known in (((old,), (new, old)), ((new, old), (old,)), ((new, old), (new,)), ((new,), (new, old))):
        verifier(*known).verify(signed(BODY, *sent_with), BODY)
    assert reason(lambda: verifier(new).verify(signed(BODY, old), BODY)) == "signature"


def test_of_many_at_once_one_is_taken() -> None:
    judge, headers, taken = verifier(), signed(), []

    def show() -> None:
        with contextlib.suppress(WebhookRefusedError):
            taken.append(judge.verify(headers, BODY))

    threads = [threading.Thread(target=show) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(taken) == 1


def test_every_key_is_compared_whatever_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is counted, not timed: where a signature holds the same comparisons are made as where none does."""
    counted: list[int] = []
    bare = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda one, two: counted.append(1) or bare(one, two))
    verifier(KEY, OTHER).verify(signed(BODY, KEY, OTHER), BODY)
    good = len(counted)
    counted.clear()
    assert reason(lambda: verifier(KEY, OTHER).verify(signed(b"other", KEY, OTHER), BODY)) == "signature"
    assert good == len(counted) == 4


def test_a_shared_memory_may_stand_behind_it() -> None:
    class Down:
        def use(self, purpose: str, tenant: str, digest: bytes, until: float, now: float) -> bool:
            raise StoreUnavailableError

    clock = SetClock()
    judge = WebhookVerifier(KEY, once=SingleUse(Down(), clock), clock=clock)
    with pytest.raises(StoreUnavailableError):
        judge.verify(signed(), BODY)


def test_a_full_memory_refuses_and_forgets_what_is_old() -> None:
    clock = SetClock()
    memory = RememberedIds(2, clock)
    assert memory.redeem("webhook", "a", valid_for=10)
    assert memory.redeem("webhook", "b", valid_for=10)
    assert reason(lambda: memory.redeem("webhook", "c", valid_for=10)) == "memory-full"
    clock.forward(11)
    assert memory.redeem("webhook", "c", valid_for=10)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "whsec_",
        "whsec_c2hvcnQ=",
        "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0",
        "whsec_nö",
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
    ],
)
def test_a_weak_or_odd_key_is_refused_without_showing_it(key: str) -> None:
    for make in (lambda: WebhookSigner(Secret(key)), lambda: WebhookVerifier(Secret(key), once=RememberedIds())):
        with pytest.raises(SettingError) as refused:
            make()
        assert len(key) < 8 or key not in str(refused.value)


def test_no_key_is_refused() -> None:
    for make in (WebhookSigner, lambda: WebhookVerifier(once=RememberedIds()), lambda: WebhookSigner("whsec_text")):  # type: ignore[arg-type]
        with pytest.raises(SettingError):
            make()
    with pytest.raises(SettingError):
        WebhookSigner(KEY).headers(BODY, webhook_id="a.b")
    with pytest.raises(SettingError):
        verifier(window=0)


def test_flask_headers_serve_as_they_are() -> None:
    app = Flask(__name__)
    with app.test_request_context(method="POST", data=BODY, headers=signed()):
        assert verifier().verify(request.headers, request.get_data()).startswith("msg_")


@given(
    st.dictionaries(st.sampled_from(["webhook-id", "Webhook-Timestamp", "webhook-signature"]), st.text(max_size=40)),
    st.binary(max_size=40),
)
def test_any_headers_are_refused_or_signed(headers: dict[str, str], body: bytes) -> None:
    reason(lambda: verifier().verify(headers, body))
