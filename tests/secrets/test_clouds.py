"""AWS, Azure and GCP through their own libraries, against local servers that speak their documented interfaces."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.secrets import clouds
from tests.secrets.clouds import Cloud
from tests.secrets.conftest import World
from tests.secrets.crash import with_locals
from tests.secrets.openbao import HERE, certificate

from stopper.secrets import Access, Pace, SecretLoadError

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::PendingDeprecationWarning", "ignore::FutureWarning"
)


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def started() -> Iterator[Callable[..., Cloud]]:
    made: list[Cloud] = []

    def start(decide: Callable[..., clouds.Answer], tls: tuple[Path, Path] | None = None) -> Cloud:
        made.append(Cloud(decide, tls))
        return made[-1]

    yield start
    for cloud in made:
        cloud.stop()


# AWS


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The address of a moto server of this run."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address=HERE, port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(moto: str, monkeypatch: pytest.MonkeyPatch) -> object:
    for name, value in {
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": moto, "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST", "AWS_SECRET_ACCESS_KEY": "canary-aws-credential",
        "AWS_SESSION_TOKEN": "canary-aws-session", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    import boto3

    return boto3.client("secretsmanager", region_name="eu-central-1")


AWS = Access(aws_region="eu-central-1")


@pytest.mark.feature("F19")
def test_aws_whole_members_binary_and_by_arn(aws, world: World) -> None:  # type: ignore[no-untyped-def]
    made = aws.create_secret(Name="prod/payments", SecretString='{"key": "of-aws-json", "other": "x"}')
    aws.create_secret(Name="prod/binary", SecretBinary=b"\x00\xffbinary")
    found = world.open(
        {"key": "aws:prod/payments#key", "arn": f"aws:{made['ARN']}#key", "binary": "aws:prod/binary"}, access=AWS
    )
    assert found["key"].reveal() == "of-aws-json"
    assert found["arn"].reveal() == "of-aws-json"
    assert found["binary"].reveal_bytes() == b"\x00\xffbinary"
    assert found.document("key").changed is not None


@pytest.mark.feature("F19")
def test_aws_rotation_while_running_and_at_a_start(aws, world: World) -> None:  # type: ignore[no-untyped-def]
    import time

    aws.create_secret(Name="turning", SecretString="first-of-aws")
    found = world.open({"one": "aws:turning"}, access=AWS, pace=Pace(refresh=60))
    aws.put_secret_value(SecretId="turning", SecretString="second-of-aws")
    world.forward(60)
    assert found.verify("one", "second-of-aws") == "current"
    assert found.verify("one", "first-of-aws") == "previous"
    late = World()
    late.wall.now = time.time() + 60
    assert late.open({"one": "aws:turning"}, access=AWS).verify("one", "first-of-aws") == "previous"


def test_aws_refusals_are_one_line(aws, world: World, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    for reference, told in (
        ("aws:nothing", "ResourceNotFoundException"),
        ("aws:nothing#key", "ResourceNotFoundException"),
    ):
        with pytest.raises(SecretLoadError, match=told) as refused:
            world.open({"one": reference}, access=AWS)
        assert refused.value.cause == "missing"
        assert "\n" not in str(refused.value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with pytest.raises(SecretLoadError, match="NoCredentialsError") as refused:
        world.open({"one": "aws:nothing"}, access=AWS)
    assert refused.value.cause == "denied"


@pytest.mark.parametrize(
    ("body", "status"), [(b'{"SecretString": "canary-broken', 200), (b"<html>canary</html>", 200), (b'["canary"]', 200), (b"canary", 500), (b'{"__type": "AccessDeniedException"}', 400), (b'{"__type": "ThrottlingException"}', 400)]
)  # fmt: skip
def test_aws_a_server_that_misbehaves_shows_nothing(
    aws,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    body: bytes,
    status: int,  # type: ignore[no-untyped-def]
) -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = HTTPServer((HERE, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://{HERE}:{server.server_port}")
        with pytest.raises(SecretLoadError) as refused:
            world.open({"one": "aws:x#key"}, access=AWS)
        assert "canary" not in with_locals(refused.value)
        assert "\n" not in str(refused.value)
    finally:
        server.shutdown()
        server.server_close()


def test_aws_an_outage_at_the_start(aws, world: World, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://{HERE}:9")
    with pytest.raises(SecretLoadError, match="EndpointConnectionError") as refused:
        world.open({"one": "aws:x"}, access=Access(aws_region="eu-central-1", timeout=1.0))
    assert refused.value.cause == "unreachable"


# Azure


@pytest.fixture
def azure(started: Callable[..., Cloud], tls: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Cloud:
    identity = started(clouds.managed_identity)
    vault = started(clouds.key_vault, tls)
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://{HERE}:{identity.port}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "beside")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls[0]))
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    return vault


@pytest.mark.feature("F19")
def test_azure_newest_named_and_previous_version(azure: Cloud, world: World) -> None:
    azure.versions["payments"] = ["first-of-azure", None, "third-of-azure"]
    azure.versions["doc"] = ['{"key": "of-azure-json"}']
    vault = f"azure:{HERE}:{azure.port}"
    world.wall.now = clouds.START + 2 * 86_400 + 100
    found = world.open(
        {"one": f"{vault}/payments", "named": f"{vault}/payments/{0:032x}", "member": f"{vault}/doc#key"},
        pace=Pace(refresh=60),
    )
    assert found["one"].reveal() == "third-of-azure"
    assert found["named"].reveal() == "first-of-azure"
    assert found["member"].reveal() == "of-azure-json"
    assert found.verify("one", "first-of-azure") == "previous", "the disabled one is passed over"
    azure.versions["payments"].append("fourth-of-azure")
    world.forward(60)
    assert found["one"].reveal() == "fourth-of-azure"
    assert found.verify("one", "third-of-azure") == "previous"


def test_azure_an_end_that_the_vault_names_is_the_end(azure: Cloud, world: World) -> None:
    from stopper.secrets import SecretUnavailableError

    azure.versions["short"] = ["short-lived-azure"]
    azure.expires["short"] = int(world.wall.now) + 100
    found = world.open({"one": f"azure:{HERE}:{azure.port}/short"}, pace=Pace(refresh=60))
    azure.broken = True
    world.forward(90)
    assert found["one"].reveal() == "short-lived-azure"
    world.forward(11)
    with pytest.raises(SecretUnavailableError):
        _ = found["one"]


def test_azure_refusals_are_one_line_and_show_nothing(
    azure: Cloud, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = f"azure:{HERE}:{azure.port}"
    azure.versions["payments"] = ["canary-azure"]
    cases: list[tuple[Callable[[], None], str, str]] = [
        (lambda: None, f"{vault}/nothing", "missing"),
        (lambda: setattr(azure, "forbidden", True), f"{vault}/payments", "denied"),
        (lambda: setattr(azure, "broken", True), f"{vault}/payments", "unreachable"),
        (lambda: monkeypatch.delenv("REQUESTS_CA_BUNDLE"), f"{vault}/payments", "unreachable"),
        (lambda: None, f"azure:{HERE}:9/payments", "unreachable"),
    ]
    for change, reference, cause in cases:
        change()
        with pytest.raises(SecretLoadError) as refused:
            world.open({"one": reference}, access=Access(timeout=2.0))
        assert refused.value.cause == cause, str(refused.value)
        assert "\n" not in str(refused.value)
        assert "canary" not in with_locals(refused.value)


# GCP


@pytest.fixture(scope="session")
def google_machine() -> Iterator[None]:
    """A machine of Google's around the whole run: the library reads its address once, when it is imported."""
    machine = Cloud(clouds.metadata, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GCE_METADATA_HOST", f"{HERE}:{machine.port}")
        patch.setenv("GCE_METADATA_IP", f"{HERE}:{machine.port}")
        yield
    machine.stop()


@pytest.fixture
def gcp(
    google_machine: None, started: Callable[..., Cloud], tls: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> tuple[Cloud, Access]:
    manager = started(clouds.secret_manager, tls)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls[0]))
    monkeypatch.setenv("CLOUDSDK_CONFIG", os.devnull)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    return manager, Access(gcp_endpoint=f"https://{HERE}:{manager.port}")


@pytest.mark.feature("F19")
def test_gcp_latest_named_and_previous_version(gcp: tuple[Cloud, Access], world: World) -> None:
    manager, access = gcp
    manager.versions["payments"] = ["first-of-gcp", "second-of-gcp"]
    manager.versions["doc"] = ['{"key": "of-gcp-json"}']
    world.wall.now = 1_767_312_000.0 + 100  # 2026-01-02T00:00:00Z, when version 2 was made
    found = world.open(
        {
            "one": "gcp:shop/payments",
            "named": "gcp:shop/payments/versions/1",
            "whole": "gcp:projects/shop/secrets/payments",
            "regional": "gcp:projects/shop/locations/europe-west3/secrets/payments",
            "member": "gcp:shop/doc#key",
        },
        access=access,
        pace=Pace(refresh=60),
    )
    assert [found[name].reveal() for name in ("one", "whole", "regional")] == ["second-of-gcp"] * 3
    assert found["named"].reveal() == "first-of-gcp"
    assert found["member"].reveal() == "of-gcp-json"
    assert found.verify("one", "first-of-gcp") == "previous"
    assert found.versions("named").previous is None
    manager.versions["payments"].append("third-of-gcp")
    world.forward(60)
    assert found["one"].reveal() == "third-of-gcp"
    assert found.verify("one", "second-of-gcp") == "previous"


def test_gcp_refusals_are_one_line_and_show_nothing(gcp: tuple[Cloud, Access], world: World) -> None:
    manager, access = gcp
    manager.versions["payments"] = ["canary-gcp"]
    manager.versions["off"] = [None]
    cases: list[tuple[Callable[[], None], str, Access, str]] = [
        (lambda: None, "gcp:shop/nothing", access, "missing"),
        (lambda: None, "gcp:shop/off", access, "denied"),
        (lambda: setattr(manager, "forbidden", True), "gcp:shop/payments", access, "denied"),
        (lambda: setattr(manager, "broken", True), "gcp:shop/payments", access, "unreachable"),
        (lambda: None, "gcp:shop/payments", Access(gcp_endpoint=f"https://{HERE}:9"), "unreachable"),
    ]
    for change, reference, given, cause in cases:
        change()
        with pytest.raises(SecretLoadError) as refused:
            world.open({"one": reference}, access=given)
        assert refused.value.cause == cause, str(refused.value)
        assert "\n" not in str(refused.value)
        assert "canary" not in with_locals(refused.value)


# All


@pytest.mark.feature("F19")
def test_no_library_writes_a_secret_into_a_log_at_debug(
    aws,
    azure: Cloud,
    gcp: tuple[Cloud, Access],
    world: World,
    caplog: pytest.LogCaptureFixture,  # type: ignore[no-untyped-def]
) -> None:
    manager, access = gcp
    aws.create_secret(Name="logged", SecretString="canary-in-aws-log")
    azure.versions["logged"] = ["canary-in-azure-log"]
    manager.versions["logged"] = ["canary-in-gcp-log"]
    with caplog.at_level(logging.DEBUG):
        caplog.clear()
        world.open(
            {"a": "aws:logged", "b": f"azure:{HERE}:{azure.port}/logged", "c": "gcp:shop/logged"},
            access=Access(aws_region="eu-central-1", gcp_endpoint=access.gcp_endpoint),
        )
    text = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "canary" not in text
    assert clouds.TOKEN not in text


@pytest.mark.parametrize(
    ("reference", "module", "extra"),
    [("aws:x", "boto3", "aws"), ("azure:my-vault/x", "azure", "azure"), ("gcp:shop/x", "google.cloud", "gcp")],
)
def test_a_missing_extra_is_one_line(reference: str, module: str, extra: str) -> None:
    script = (
        "import sys\n"
        f"sys.modules[{module!r}] = None\n"
        "from stopper.secrets import Secrets, SecretLoadError\n"
        f"try:\n    Secrets({{'one': {reference!r}}})\n"
        "except SecretLoadError as wrong:\n    print(wrong)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip().endswith(f"is not installed; type: pip install 'stopper[{extra}]'"), (
        done.stdout + done.stderr
    )
