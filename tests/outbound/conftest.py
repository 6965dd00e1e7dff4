"""What the tests of outbound share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from tests.outbound.peers import Authority, Peer, Script

from stopper.outbound import Client, Credential, Limits, Secret

CANARY = "canary-Zk3vQ9w81xYtR5"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One certificate authority for the run."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def serve(authority: Authority) -> Iterator[Callable[..., Peer]]:
    """Starts services; ``names`` gives them TLS."""
    with ExitStack() as stack:

        def start(script: Script, *names: str) -> Peer:
            return stack.enter_context(Peer(script, authority.context(*names) if names else None))

        yield start


@pytest.fixture
def secret() -> Secret:
    """The credential that must never be seen elsewhere."""
    return Secret(CANARY)


@pytest.fixture
def bound(secret: Secret) -> Callable[..., Client]:
    """A client that carries the canary to one peer under /v1."""

    def make(peer: Peer, *, methods: tuple[str, ...] = ("GET", "POST"), **more: object) -> Client:
        limits = Limits(**{"connect": 5, "read": 5, "total": 10, "retries": 0, **more.pop("limits", {})})  # type: ignore[dict-item,arg-type]
        credential = Credential(secret, hosts=[peer.host], paths=["/v1/*"], methods=methods)
        return Client(credential, limits=limits, allow_loopback_http=True, **more)  # type: ignore[arg-type]

    return make
