"""One DPoP proof shown by sixty-four threads at once passes once, in SQLite and in Valkey."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from tests.auth.dpop_smith import Holder, ath
from tests.auth.token_smith import NOW, claims, hs256
from tests.extension.made import issuer
from tests.servers.valkey import Valkey

from stopper import Stopper, bearer
from stopper.auth.clock import SetClock, system_clock
from stopper.auth.dpop import DpopProofs, target_of
from stopper.auth.requirement import Redeem
from stopper.auth.single_use import SingleUse
from stopper.core.errors import InvalidCredentialError, StoreUnavailableError
from stopper.core.secret import Secret
from stopper.store import open_store
from stopper.store.redis_server import RedisServer
from stopper.store.redis_used import RedisSingleUse

THREADS, ROUNDS = 64, 20
TARGET = target_of("GET", "https", "api.example", b"/notes")


def _race(redeem: Redeem) -> None:
    clock = SetClock(float(int(system_clock())))
    judge, holder = DpopProofs(redeem, clock), Holder()

    def show(proof: str) -> bool:
        try:
            return judge.judge(proof, TARGET).key == holder.thumbprint
        except InvalidCredentialError as refused:
            if refused.reason != "dpop-replayed":
                raise
            return False

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(ROUNDS):
            proof = holder.proof(iat=int(clock.now))
            assert list(pool.map(show, [proof] * THREADS)).count(True) == 1


def test_one_proof_passes_once_in_sqlite(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/s.db")
    store.migrate()
    _race(SingleUse(store.single_use, system_clock))
    store.close()


def test_one_proof_passes_once_in_valkey(valkey: Valkey) -> None:
    server = RedisServer(valkey.url)
    used = RedisSingleUse(server)
    used.begin()
    _race(SingleUse(used, system_clock))
    server.close()


def test_a_server_that_is_gone_lets_no_proof_pass() -> None:
    server = RedisServer(Secret("redis://127.0.0.1:1/0"))
    holder = Holder()
    judge = DpopProofs(SingleUse(RedisSingleUse(server), system_clock), system_clock)
    with pytest.raises(StoreUnavailableError):
        judge.judge(holder.proof(iat=int(system_clock())), TARGET)


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_one_request_of_many_passes_the_guard(kind: str, tmp_path: Path, valkey: Valkey) -> None:
    app = Flask("raced")
    app.config["STOPPER_DATABASE_URL"] = f"sqlite:///{tmp_path}/s.db"
    if kind == "redis":
        app.config["STOPPER_REDIS_URL"] = valkey.url.reveal()
        server = RedisServer(valkey.url)
        RedisSingleUse(server).begin()
        server.close()
    stopper = Stopper(app, issuers=[issuer()], clock=SetClock(NOW) if kind == "sqlite" else system_clock)
    ran: list[int] = []

    @app.get("/notes")
    @bearer
    def notes() -> str:
        ran.append(1)
        return "notes"

    stopper.seal()
    now = NOW if kind == "sqlite" else int(system_clock())
    holder = Holder()
    token = hs256(payload=claims(cnf={"jkt": holder.thumbprint}, iat=now, exp=now + 600))
    proof = holder.proof(htu="http://localhost/notes", ath=ath(token), iat=now)

    def show(_: int) -> int:
        shown = {"Authorization": f"DPoP {token}", "DPoP": proof}
        return app.test_client().get("/notes", headers=shown).status_code

    with ThreadPoolExecutor(THREADS) as pool:
        assert sorted(pool.map(show, range(THREADS))) == [200] + [401] * (THREADS - 1)
    assert len(ran) == 1
    kept = valkey.client()
    assert bool(kept.keys("stopper:used:*dpop*")) == (kind == "redis")
    kept.close()
