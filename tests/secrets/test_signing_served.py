"""`stopper serve` with workers whose key lives elsewhere, as a stranger starts it: two nodes, each with its own processes."""

from pathlib import Path

import pytest
from tests.secrets.door import Door
from tests.secrets.openbao import OpenBao
from tests.secrets.places import SoftToken, Transit, soft_module, soft_tokens
from tests.servers.postgres import Cluster
from tests.servers.service import PASSWORD, serving

PERSON = {"email": "ann@example.com", "password": PASSWORD}


def _login(node, times: int) -> list[str]:
    answers = [node.ask("POST", "/auth/login", PERSON) for _ in range(times)]
    assert {answer.status for answer in answers} == {200}, node.output()
    return [answer.json["access_token"] for answer in answers]


def test_every_worker_signs_with_the_hardware_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOFTHSM2_CONF", "")
    soft_tokens(tmp_path)
    place = SoftToken("P-256")
    pin = tmp_path / "pin"
    pin.write_text(SoftToken.PIN + "\n")
    pin.chmod(0o600)
    settings = {
        "STOPPER_SIGNING_KEY": place.text, "STOPPER_PKCS11_MODULE": soft_module(), "STOPPER_PKCS11_PIN": f"file:{pin}",
    }  # fmt: skip
    with serving(tmp_path / "run", "--workers", "3", **settings) as service:
        assert service.ask("POST", "/auth/register", PERSON).status == 201
        for token in _login(service, 12):
            assert service.ask("GET", "/auth/me", token=token).status == 200
        (shown,) = service.ask("GET", "/.well-known/jwks.json").json["keys"]
        assert shown["alg"] == "ES256"
        assert SoftToken.PIN not in service.output()


def test_two_nodes_over_one_database_sign_with_one_key_of_vault(
    bao: OpenBao, door: Door, cluster: Cluster, tmp_path: Path
) -> None:
    """And where Vault goes away both say 503 to a log-in, and go on with who is logged in."""
    if "transit/" not in bao.call("GET", "sys/mounts"):
        bao.mount("transit", "transit")
    place = Transit(bao, door, "ed25519")
    token_file = tmp_path / "token"
    token_file.write_text(place.token)
    token_file.chmod(0o600)
    settings = {
        "STOPPER_SIGNING_KEY": place.text, "STOPPER_VAULT_URL": door.url, "STOPPER_VAULT_CA_FILE": str(bao.ca_file),
        "STOPPER_VAULT_TOKEN": f"file:{token_file}",
    }  # fmt: skip
    options = (
        "--database",
        cluster.new_database(),
        "--issuer",
        "http://127.0.0.1:8000",
        "--data",
        str(tmp_path / "data"),
    )
    with serving(tmp_path / "one", *options, **settings) as one, serving(tmp_path / "two", *options, **settings) as two:
        assert one.ask("POST", "/auth/register", PERSON).status == 201
        tokens = [*_login(one, 2), *_login(two, 2)]
        keys = [node.ask("GET", "/.well-known/jwks.json").json["keys"] for node in (one, two)]
        assert keys[0] == keys[1]
        assert len(keys[0]) == 1
        place.away(True)
        for node in (one, two):
            assert node.ask("POST", "/auth/login", PERSON).status == 503
            assert {node.ask("GET", "/auth/me", token=token).status for token in tokens} == {200}
        place.away(False)
        _login(two, 1)
        assert place.token not in one.output() + two.output()
