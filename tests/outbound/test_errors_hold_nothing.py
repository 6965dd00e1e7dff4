"""However a call fails: the error, its traceback with all variables of our frames, the logs and the output hold no secret."""

import gc
import http.client
import io
import logging
import pickle
import socket
import traceback
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType, TracebackType

import pytest
from tests.outbound.conftest import CANARY
from tests.outbound.peers import Authority, Peer, Script, Wired, raw, reply, reset

import stopper.outbound
from stopper.core.errors import StoreUnavailableError
from stopper.outbound import Client, Credential, Limits, OutboundError, Secret

Serve = Callable[..., Peer]
URL_SECRET = "url-canary-4471aZ"
BODY_SECRET = "body-canary-9982bY"
REPLY_SECRET = "reply-canary-1113cX"
HOME = stopper.outbound.__path__[0]

FAILURES: dict[str, Script] = {
    "reset": reset,
    "garbage": raw(REPLY_SECRET.encode() * 50 + b"\r\n\r\n"),
    "html": reply(REPLY_SECRET.encode(), kind="text/html"),
    "too large": reply(REPLY_SECRET.encode() * 1000),
    "redirect": reply(b"", "302 Found", Location=f"https://evil.example/?{REPLY_SECRET}"),
    "broken gzip": reply(REPLY_SECRET.encode(), Content_Encoding="gzip"),
    "half a body": raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n" + REPLY_SECRET.encode()),
    "odd header": raw(b"HTTP/1.1 200 OK\r\n" + REPLY_SECRET.encode() * 9000),
    "error status": reply(f'{{"error": "{REPLY_SECRET}"}}'.encode(), "500 Oops"),
    "no json": reply(f"{{{REPLY_SECRET}".encode()),
    "silence": lambda connection, request: connection.recv(1) and None,
}  # fmt: skip


def frames(trace: TracebackType | None) -> Iterator[str]:
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.startswith(HOME):
            yield from (repr(value) for value in trace.tb_frame.f_locals.values())
            yield from (str(vars(value)) for value in trace.tb_frame.f_locals.values() if hasattr(value, "__dict__"))
        trace = trace.tb_next


def everything(error: BaseException) -> str:
    """All that somebody who catches the error could show."""
    found = [
        repr(error),
        str(error),
        repr(error.args),
        repr(vars(error)),
        repr(error.__cause__),
        repr(error.__context__),
    ]
    found += ["".join(traceback.format_exception(error)), *frames(error.__traceback__)]
    found += [repr(pickle.loads(pickle.dumps(error))), repr(getattr(error, "__notes__", ""))]
    return "\n".join(found)


def judged(text: str) -> None:
    for secret in (CANARY, URL_SECRET, BODY_SECRET, REPLY_SECRET):
        assert secret not in text, f"{secret} is in the open"


@pytest.fixture
def listening() -> Iterator[io.StringIO]:
    """Every log of the process at DEBUG, unmasked."""
    root, heard = logging.getLogger(), io.StringIO()
    handler, level = logging.StreamHandler(heard), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield heard
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.feature("F18")
@pytest.mark.parametrize("what", FAILURES)
def test_no_failure_shows_a_secret(
    serve: Serve,
    secret: Secret,
    what: str,
    listening: io.StringIO,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 9)
    peer = serve(FAILURES[what])
    credential = Credential(secret, hosts=[peer.host], methods=["PUT"])
    client = Client(credential, limits=Limits(total=1, read=0.2, retries=1, max_bytes=4000), allow_loopback_http=True)
    with pytest.raises(OutboundError) as wrong:
        client.request(
            "PUT", f"{peer.url}/v1/{URL_SECRET}?key={URL_SECRET}", json={"card": BODY_SECRET}
        ).checked().json()
    shown = everything(wrong.value)
    judged(shown)
    judged(listening.getvalue())
    judged("".join(capfd.readouterr()))
    assert "127.0.0.1" in str(wrong.value), "where it failed must be said"
    assert wrong.value.__context__ is None
    assert CANARY.encode() in peer.requests[0], "the canary was there to be leaked"


REFUSED = {
    "foreign host": {"url": f"https://evil.example/{URL_SECRET}"},
    "user info": {"url": f"https://me:{URL_SECRET}@evil.example/"},
    "odd url": {"url": f"https://evil.example\\{URL_SECRET}"},
    "odd port": {"url": f"https://evil.example:{URL_SECRET}/"},
    "odd host": {"url": f"https://{URL_SECRET}..example/"},
    "plain": {"url": f"http://evil.example/{URL_SECRET}"},
    "header": {"headers": {"Authorization": f"Bearer {URL_SECRET}"}},
    "odd header": {"headers": {"Accept": f"{URL_SECRET}\r\nX: y"}},
    "method": {"method": URL_SECRET},
    "body": {"json": {1, BODY_SECRET}},
    "circle": {"json": (lambda loop: loop.append(loop) or loop)([BODY_SECRET])},  # type: ignore[func-returns-value]
    "two bodies": {"json": BODY_SECRET, "data": BODY_SECRET.encode()},
    "text body": {"data": BODY_SECRET},
    "half a character": {"form": {"card": f"{BODY_SECRET}\ud800"}},
    "no form": {"form": BODY_SECRET},
    "half a character in JSON": {"json": f"{BODY_SECRET}\ud800"},
    "a number to accept": {"accept": 5, "json": BODY_SECRET},
    "odd headers": {"headers": 5, "json": BODY_SECRET},
    "accept": {"accept": f"{URL_SECRET}\n"},
    "path": {"url": f"https://api.example/v2/{URL_SECRET}"},
}


@pytest.mark.parametrize("what", REFUSED)
def test_no_refusal_shows_a_secret(secret: Secret, what: str) -> None:
    said: dict[str, object] = {"method": "GET", "url": f"https://api.example/v1/{URL_SECRET}", **REFUSED[what]}
    client = Client(Credential(secret, hosts=["api.example"], paths=["/v1/*"]))
    with pytest.raises(OutboundError) as wrong:
        client.request(**said)  # type: ignore[arg-type]
    judged(everything(wrong.value))


def test_failures_before_the_call_show_nothing_either(authority: Authority, serve: Serve, secret: Secret) -> None:
    credential = Credential(secret, hosts=["api.example"])
    for wired in (
        Wired({}),
        Wired({"api.example": [["169.254.169.254"]]}),
        Wired({"api.example": [["10.0.0.1"]]}, port=serve(reply(), "other.example").port),
    ):
        client = Client(credential, network=wired.network, ca_file=authority.file, limits=Limits(retries=0))
        with pytest.raises(OutboundError) as wrong:
            client.get(f"https://api.example/{URL_SECRET}")
        judged(everything(wrong.value))


def test_a_mistake_below_the_client_carries_nothing_along(secret: Secret) -> None:
    wired = Wired({"api.example": [["10.0.0.1"]]})

    def break_down(address: str, port: int, timeout: float) -> socket.socket:
        raise ZeroDivisionError(CANARY)

    wired.connect = break_down  # type: ignore[method-assign]
    client = Client(Credential(secret, hosts=["api.example"]), network=wired.network, limits=Limits(retries=0))
    with pytest.raises(OutboundError, match="ZeroDivisionError") as wrong:
        client.get(f"https://api.example/{URL_SECRET}")
    judged(everything(wrong.value))


def test_a_source_of_the_secret_that_fails_shows_nothing() -> None:
    def odd() -> Secret:
        raise ValueError(f"vault said {REPLY_SECRET}")

    def down() -> Secret:
        raise StoreUnavailableError("vault")

    for source, kind in ((odd, OutboundError), (down, StoreUnavailableError)):
        client = Client(Credential(source, hosts=["api.example"], methods=["POST"]))
        with pytest.raises(kind) as wrong:
            client.post(f"https://api.example/{URL_SECRET}", json={"card": BODY_SECRET})
        judged("\n".join((repr(wrong.value), repr(wrong.value.__context__), *frames(wrong.value.__traceback__))))


def reachable(thing: object) -> Iterator[str | bytes]:
    """Every text that hangs on *thing*, but what a Secret holds."""
    seen: set[int] = set()
    waiting = [thing]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, (Secret, type, ModuleType, FunctionType)):
            continue
        seen.add(id(one))
        if isinstance(one, (str, bytes, bytearray)):
            yield bytes(one) if isinstance(one, bytearray) else one
        waiting.extend(gc.get_referents(one))


def test_nothing_that_is_kept_holds_the_secret_in_clear(serve: Serve, secret: Secret) -> None:
    """A dump of the client after a call, with all its connections, finds the credential in Secret objects alone."""
    peer = serve(reply(REPLY_SECRET.encode()))
    credential = Credential(secret, hosts=[peer.host])
    client = Client(credential, allow_loopback_http=True)
    answer = client.get(f"{peer.url}/{URL_SECRET}")
    judged("\n".join(map(repr, (client, credential, answer, vars(client)))))
    texts = list(reachable(client))
    assert "GET" in texts, "the walk reaches the binding"
    for text in texts:
        judged(text if isinstance(text, str) else text.decode("latin-1"))


def test_the_error_survives_a_copy(serve: Serve) -> None:
    peer = serve(reply(b"", "500 Oops"))
    with pytest.raises(OutboundError) as wrong:
        Client(hosts=[peer.host], allow_loopback_http=True).get(f"{peer.url}/").checked()
    again = pickle.loads(pickle.dumps(wrong.value))
    assert (str(again), again.upstream_status, again.status) == (str(wrong.value), 500, 502)
