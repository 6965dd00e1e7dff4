"""STOPPER_SIGNING_KEY by reference: the private key of a service from every kind of place that holds secrets, and by hand at the command line."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.secrets import clouds
from tests.secrets.clouds import Cloud
from tests.secrets.door import Door
from tests.secrets.openbao import HERE, OpenBao, certificate
from tests.secrets.places import Transit

from stopper.auth.private_key import jwk_members
from stopper.core.errors import SettingError
from stopper.secrets import SecretLoadError
from stopper.service import Accounts, open_accounts

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::PendingDeprecationWarning", "ignore::FutureWarning"
)
KEY = ec.generate_private_key(ec.SECP384R1())
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Accounts]]:
    made: list[Accounts] = []

    def make(reference: str, **config: str) -> Accounts:
        said = {"STOPPER_SIGNING_KEY": reference, **{f"STOPPER_{name}": value for name, value in config.items()}}
        made.append(
            open_accounts(
                "https://auth.example.com", "https://api.example.com", data=tmp_path / "data", config=said, environ=dict(os.environ)
            )
        )  # fmt: skip
        return made[-1]

    yield make
    for accounts in made:
        accounts.store.close()


def _signs_with_it(accounts: Accounts) -> None:
    (shown,) = accounts.keyring.jwks()["keys"]
    assert {name: shown[name] for name in "xy"} == {name: jwk_members(KEY.public_key())[name] for name in "xy"}
    assert shown["alg"] == "ES384"
    assert accounts.verifier.verify(_issued(accounts)).subject == "ann"


def _issued(accounts: Accounts) -> str:
    issued = accounts.access.issue("ann", client_id="web", auth_time=int(accounts.clock()), sid="s")
    return issued.reveal()


def test_from_the_environment(opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_KEY", PEM)
    _signs_with_it(opened("env:AUTH_KEY"))


def test_from_a_file_that_only_its_owner_reads(opened, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(PEM)
    for mode, wrong in ((0o644, "chmod o-r"), (0o620, "chmod go-w"), (0o602, "chmod go-w")):
        file.chmod(mode)
        with pytest.raises(SecretLoadError, match=wrong) as refused:
            opened(f"file:{file}")
        assert "PRIVATE" not in str(refused.value)
    file.chmod(0o600)
    _signs_with_it(opened(f"file:{file}"))


def test_from_a_file_that_is_a_link_elsewhere(opened, tmp_path: Path) -> None:
    for folder in ("here", "other"):
        (tmp_path / folder).mkdir()
    (tmp_path / "other" / "key.pem").write_text(PEM)
    (tmp_path / "here" / "key.pem").symlink_to(tmp_path / "other" / "key.pem")
    with pytest.raises(SecretLoadError, match="link out of its folder"):
        opened(f"file:{tmp_path}/here/key.pem")


def test_from_vault_kv(opened, bao: OpenBao) -> None:
    bao.put("kv", "signing", key=PEM)
    given = {"VAULT_URL": bao.url, "VAULT_CA_FILE": str(bao.ca_file), "VAULT_TOKEN": bao.token("reads", ttl="1h")}
    _signs_with_it(opened("vault:kv/signing#key", **given))


def test_from_aws_secrets_manager(opened, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address=HERE, port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST",
        "AWS_SECRET_ACCESS_KEY": "canary-aws-credential", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    boto3.client("secretsmanager", region_name="eu-central-1").create_secret(Name="signing", SecretString=PEM)
    try:
        _signs_with_it(opened("aws:signing", AWS_REGION="eu-central-1"))
    finally:
        server.stop()


def test_from_azure_key_vault(opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls = certificate(tmp_path)
    identity, vault = Cloud(clouds.managed_identity, None), Cloud(clouds.key_vault, tls)
    vault.versions["signing"] = [PEM]
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://{HERE}:{identity.port}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "beside")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls[0]))
    try:
        _signs_with_it(opened(f"azure:{HERE}:{vault.port}/signing"))
    finally:
        vault.stop()
        identity.stop()


def test_a_place_that_is_misspelt_is_told_before_anything_is_opened(opened, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="such as aws-kms:alias/stopper"):
        opened("aws-kms:stopper")
    assert not (tmp_path / "data").exists()


def flask(folder: Path, *arguments: str, **given: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("STOPPER_", "FLASK_"))}
    return subprocess.run(
        [sys.executable, "-m", "flask", "stopper", "keys", *arguments, "--database", f"sqlite:///{folder}/s/stopper.db"],
        cwd=folder, env={**environment, **given}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_place_by_hand_and_no_rotation_away_from_it(bao: OpenBao, door: Door, tmp_path: Path) -> None:
    if "transit/" not in bao.call("GET", "sys/mounts"):
        bao.mount("transit", "transit")
    place = Transit(bao, door, "ecdsa-p256")
    reach = {
        "STOPPER_VAULT_URL": door.url,
        "STOPPER_VAULT_CA_FILE": str(bao.ca_file),
        "STOPPER_VAULT_TOKEN": place.token,
    }
    base = [
        sys.executable,
        "-m",
        "flask",
        "stopper",
        "db",
        "upgrade",
        "--database",
        f"sqlite:///{tmp_path}/s/stopper.db",
    ]
    subprocess.run(base, cwd=tmp_path, check=True, timeout=120, capture_output=True)
    first = flask(tmp_path, "import", place.text, **reach)
    assert first.returncode == 0, first.stderr
    assert f"lives at {place.text}" in first.stdout
    assert "nothing to do" in flask(tmp_path, "import", place.text, **reach).stdout
    assert f"lives at {place.text}" in flask(tmp_path, "list").stdout, "told without reaching it"
    refused = flask(tmp_path, "rotate", "--every", "1h")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--leave-place" in refused.stderr
    place.rotate()
    assert flask(tmp_path, "import", place.text, "--at-once", **reach).returncode == 0
    assert flask(tmp_path, "rotate", "--leave-place", "--algorithm", "PS256").returncode == 0
    assert [line.split()[1:3] for line in flask(tmp_path, "list").stdout.splitlines()] == [
        ["ES256", "retired"], ["ES256", "active"], ["PS256", "published"],
    ]  # fmt: skip
    place.away(True)
    away = flask(tmp_path, "import", place.text, **reach)
    assert (away.returncode, len(away.stderr.splitlines())) == (3, 1), away.stderr
    assert place.text in away.stderr
    assert place.token not in away.stderr
    for wrong in ("vault-transit:transit", "not-there.pem"):
        done = flask(tmp_path, "import", wrong, **reach)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr


def test_a_secret_by_hand_says_what_it_cannot_do(tmp_path: Path) -> None:
    base = [
        sys.executable,
        "-m",
        "flask",
        "stopper",
        "db",
        "upgrade",
        "--database",
        f"sqlite:///{tmp_path}/s/stopper.db",
    ]
    subprocess.run(base, cwd=tmp_path, check=True, timeout=120, capture_output=True)
    done = flask(tmp_path, "rotate", "--algorithm", "HS256")
    assert done.returncode == 0
    assert "no other service can verify" in done.stderr
    assert flask(tmp_path, "rotate", "--algorithm", "Ed25519").stdout.split()[1] == "EdDSA"
