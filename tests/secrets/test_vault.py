"""Vault's API on a real OpenBao: kv 1 and 2, log-ins, leases, namespaces, rotation, outage at the start and later."""

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.secrets import door as doors
from tests.secrets.conftest import World
from tests.secrets.crash import with_locals
from tests.secrets.door import Door
from tests.secrets.openbao import HERE, OpenBao
from tests.servers.postgres import Cluster

from stopper.core.secret import Secret
from stopper.secrets import Access, Pace, SecretLoadError, SecretUnavailableError, VaultAccess

Through = Callable[..., Access]


@pytest.mark.feature("F19")
def test_kv_2_and_kv_1_are_told_apart_by_the_server(bao: OpenBao, world: World, through: Through) -> None:
    bao.put("kv", "team/payments", key="of-kv-2-abcdef", spare="other-abcdef")
    bao.call("PUT", "old/payments", {"key": "of-kv-1-abcdef"})
    found = world.open({"new": "vault:kv/team/payments#key", "old": "vault:old/payments"}, access=through())
    assert found["new"].reveal() == "of-kv-2-abcdef"
    assert found["old"].reveal() == "of-kv-1-abcdef"
    assert found.document("new").version == "1"
    assert found.document("new").changed is not None


def test_a_path_with_odd_letters(bao: OpenBao, world: World, through: Through) -> None:
    bao.put("kv", "team a/käse+brot", key="odd-path-abcdef")
    assert world.open({"odd": "vault:kv/team a/käse+brot#key"}, access=through())["odd"].reveal() == "odd-path-abcdef"


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("vault:kv/nothing-here#key", "nothing at kv/nothing-here"),
        ("vault:kv/asked#other", "no member 'other'"),
        ("vault:kv/asked", "2 members"),
        ("vault:locked/x#key", "refuses locked/x"),
    ],
)
def test_what_is_missing_stops_the_start_in_one_line(
    bao: OpenBao, world: World, through: Through, reference: str, told: str
) -> None:
    bao.put("kv", "asked", key="asked-canary-1", spare="asked-canary-2")
    with pytest.raises(SecretLoadError) as refused:
        world.open({"payments": reference}, access=through())
    said = str(refused.value)
    assert told in said
    assert f"the secret payments ({reference})" in said
    assert "\n" not in said
    assert "canary" not in said


def test_a_deleted_version_is_missing(bao: OpenBao, world: World, through: Through) -> None:
    bao.put("kv", "gone", key="gone-abcdef")
    bao.call("DELETE", "kv/data/gone")
    with pytest.raises(SecretLoadError, match="nothing at kv/gone"):
        world.open({"gone": "vault:kv/gone#key"}, access=through())


@pytest.mark.feature("F19")
def test_rotation_is_seen_without_a_restart_and_both_versions_hold(
    bao: OpenBao, world: World, through: Through
) -> None:
    bao.put("kv", "rotating", key="first-version")
    found = world.open({"hook": "vault:kv/rotating#key"}, access=through(), pace=Pace(refresh=60, overlap=600))
    bao.put("kv", "rotating", key="second-version")
    assert found["hook"].reveal() == "first-version", "not asked before it is due"
    world.forward(60)
    assert found["hook"].reveal() == "second-version"
    assert found.verify("hook", "second-version") == "current"
    assert found.verify("hook", "first-version") == "previous"
    assert world.names() == ["secret-rotated"]
    world.forward(599)
    assert found.versions("hook").previous is not None
    world.forward(2)
    assert found.versions("hook").previous is None


def test_a_start_in_the_middle_of_a_rotation_knows_the_version_before(
    bao: OpenBao, world: World, through: Through
) -> None:
    bao.put("kv", "middle", key="middle-one")
    bao.put("kv", "middle", key="middle-two")
    made = bao.call("GET", "kv/data/middle")["data"]["metadata"]["created_time"]
    from stopper.secrets.vault import moment

    changed = moment(made)
    assert changed is not None
    world.wall.now = changed + 100
    found = world.open({"hook": "vault:kv/middle#key"}, access=through(), pace=Pace(overlap=600))
    assert found.verify("hook", "middle-one") == "previous"
    world.forward(501)
    assert found.versions("hook").previous is None
    late = World()
    late.wall.now = changed + 601
    assert (
        late.open({"hook": "vault:kv/middle#key"}, access=through(), pace=Pace(overlap=600)).versions("hook").previous
        is None
    )


@pytest.mark.fault(18)
@pytest.mark.feature("F19")
def test_an_outage_at_the_start_is_a_clear_refusal(bao: OpenBao, world: World, through: Through, door: Door) -> None:
    access = through()
    door.close()
    with pytest.raises(SecretLoadError) as refused:
        world.open({"payments": "vault:kv/x#key"}, access=access)
    assert refused.value.cause == "unreachable"
    assert "does not answer (no connection)" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.fault(18)
@pytest.mark.feature("F19")
def test_an_outage_later_keeps_the_value_to_its_end_with_an_alarm_and_then_refuses(
    bao: OpenBao, world: World, through: Through, door: Door
) -> None:
    bao.put("kv", "outage", key="kept-canary")
    found = world.open({"payments": "vault:kv/outage#key"}, access=through(), pace=Pace(refresh=60, keep=3600))
    door.fault = doors.hangs_up
    for _ in range(58):
        world.forward(61)
        assert found["payments"].reveal() == "kept-canary"
    assert world.names() == ["secret-backend-away"], "one alarm an outage, not one a try"
    assert world.events[0].subject == "payments"
    assert "kept-canary" not in str(world.events)
    world.forward(62)  # 3600 seconds after the last good answer
    with pytest.raises(SecretUnavailableError) as refused:
        _ = found["payments"]
    assert refused.value.status == 503
    assert "kept-canary" not in str(refused.value)
    assert "secret-ended" in world.names()
    door.fault = None
    world.forward(6)
    assert found["payments"].reveal() == "kept-canary"
    assert world.names()[-1] == "secret-backend-back"


def test_tries_during_an_outage_are_spaced(bao: OpenBao, world: World, through: Through, door: Door) -> None:
    bao.put("kv", "spaced", key="spaced-abcdef")
    found = world.open({"one": "vault:kv/spaced#key"}, access=through(), pace=Pace(refresh=60))
    door.fault = doors.hangs_up
    world.forward(60)
    before = door.requests
    for _ in range(600):
        _ = found["one"]
        world.forward(0.5)
    assert 5 <= door.requests - before <= 16, "1, 2, 4, … 60 seconds apart over 300 seconds"


FAULTS = [
    doors.hangs_up,
    doors.floods,
    doors.drips,
    doors.drips_head,
    doors.silent,
    doors.answers("500 Internal Server Error", b"<html>canary-of-a-page</html>"),
    doors.answers("503 Service Unavailable", b'{"errors":["Vault is sealed"]}'),
    doors.answers("473 Standby", b'{"errors":[]}'),
    doors.answers("429 Too Many", b""),
    doors.answers("200 OK", b"<html>canary-of-a-page</html>"),
    doors.answers("200 OK", b'{"data": {"data": "canary-as-text"}, "auth": 5}'),
    doors.answers("200 OK", b'{"data": {"key": "canary-twice", "key": "canary-twice"}}'),
    doors.answers("200 OK", b'{"data": ' + b"[" * 100_000),
    doors.answers("200 OK", b"\xff\xfe"),
    doors.answers("200 OK", b""),
    doors.answers("307 Temporary Redirect", b"", "Location: https://elsewhere.example/v1/kv"),
]


@pytest.mark.feature("F19")
@pytest.mark.parametrize("fault", FAULTS, ids=range(len(FAULTS)))
def test_whatever_the_server_does_the_value_is_kept(
    bao: OpenBao, world: World, through: Through, door: Door, fault: doors.Fault
) -> None:
    bao.put("kv", "faulty", key="kept-through-faults")
    found = world.open({"one": "vault:kv/faulty#key"}, access=through(timeout=1.0), pace=Pace(refresh=60))
    door.fault = fault
    world.forward(61)
    assert found["one"].reveal() == "kept-through-faults"
    assert world.names() == ["secret-backend-away"]
    assert "canary" not in str(world.events)


@pytest.mark.parametrize("fault", FAULTS, ids=range(len(FAULTS)))
def test_whatever_the_server_does_at_the_start_is_one_line_and_shows_nothing(
    world: World, through: Through, door: Door, fault: doors.Fault
) -> None:
    access = through(token="hvs.canary-token-abcdef", timeout=1.0)
    door.fault = fault
    with pytest.raises(SecretLoadError) as refused:
        world.open({"one": "vault:kv/faulty#key"}, access=access)
    shown = with_locals(refused.value)
    assert "\n" not in str(refused.value)
    assert "canary" not in shown, shown


def test_a_redirect_is_not_followed_with_the_token(world: World, through: Through, door: Door) -> None:
    access = through(token="hvs.not-for-others")
    door.fault = doors.answers("307 Temporary Redirect", b"", f"Location: {door.url}/v1/elsewhere")
    with pytest.raises(SecretLoadError, match="redirects; name the address that answers itself"):
        world.open({"one": "vault:kv/x#key"}, access=access)
    assert door.requests == 1


def test_a_sealed_server_at_the_start_and_later(world: World) -> None:
    own = OpenBao()
    try:
        own.start()
        own.mount("kv", "kv", version="2")
        own.put("kv", "payments", key="behind-the-seal")
        root = Secret(own.root)
        access = Access(vault=VaultAccess(own.url, ca_file=str(own.ca_file), token=lambda: root))
        found = world.open({"one": "vault:kv/payments#key"}, access=access, pace=Pace(refresh=60))
        own.seal()
        with pytest.raises(SecretLoadError, match=r"status 503"):
            World().open({"one": "vault:kv/payments#key"}, access=access)
        world.forward(61)
        assert found["one"].reveal() == "behind-the-seal"
        assert "sealed" in world.events[-1].details["why"]
        own.unseal()
        world.forward(61)
        assert found["one"].reveal() == "behind-the-seal"
        own.stop()
        world.forward(61)
        assert found["one"].reveal() == "behind-the-seal"
        own.start()
        world.forward(61)
        assert found["one"].reveal() == "behind-the-seal"
        assert world.names() == ["secret-backend-away", "secret-backend-back"] * 2
    finally:
        own.remove()


def test_a_certificate_that_nobody_vouches_for_is_refused(bao: OpenBao, world: World) -> None:
    root = Secret(bao.root)
    with pytest.raises(SecretLoadError, match="certificate is not trusted"):
        world.open({"one": "vault:kv/x#key"}, access=Access(vault=VaultAccess(bao.url, token=lambda: root)))


def test_certificates_that_cannot_be_read_are_told(bao: OpenBao, world: World, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for ca_file in (tmp_path / "ca.pem", tmp_path / "none"):
        access = Access(vault=VaultAccess(bao.url, ca_file=str(ca_file), token=lambda: Secret("hvs.x")))
        with pytest.raises(SecretLoadError, match="mend STOPPER_VAULT_CA_FILE"):
            world.open({"one": "vault:kv/x#key"}, access=access)


def test_a_token_that_is_revoked_while_running_is_an_outage_with_a_reason(
    bao: OpenBao, world: World, through: Through
) -> None:
    bao.put("kv", "revoked", key="kept-after-revocation")
    token = bao.token("reads")
    found = world.open({"one": "vault:kv/revoked#key"}, access=through(token=token), pace=Pace(refresh=60, keep=300))
    bao.call("POST", "auth/token/revoke", {"token": token})
    world.forward(61)
    assert found["one"].reveal() == "kept-after-revocation"
    assert world.names() == ["secret-backend-away"]
    assert "refuses the token (status 403)" in world.events[0].details["why"]
    assert token not in str(world.events)
    world.forward(300)
    with pytest.raises(SecretUnavailableError):
        _ = found["one"]


def test_a_token_that_has_expired_is_read_anew_from_where_it_lies(bao: OpenBao, world: World, through: Through) -> None:
    bao.put("kv", "expiring", key="kept-after-expiry")
    tokens = [bao.token("reads", ttl="60s", renewable=False), bao.token("reads", ttl="1h")]
    access = through()
    vault = VaultAccess(access.vault.url, ca_file=access.vault.ca_file, token=lambda: Secret(tokens[0]))
    found = world.open({"one": "vault:kv/expiring#key"}, access=Access(vault=vault), pace=Pace(refresh=30))
    bao.call("POST", "auth/token/revoke", {"token": tokens.pop(0)})  # it ended, and its file holds the next one
    bao.put("kv", "expiring", key="read-with-the-next")
    world.forward(60)
    assert found["one"].reveal() == "read-with-the-next"


LENDER = """
import os, sys
from stopper.core.secret import Secret
from stopper.secrets import Access, Secrets, VaultAccess
url, ca, role_id, secret_id = sys.argv[1:]
secrets = Secrets({"user": "vault:database/creds/app#username"},
                  access=Access(vault=VaultAccess(
                      url, ca_file=ca, auth="approle", role_id=role_id, secret_id=lambda: Secret(secret_id))))
child = os.fork()
if child == 0:
    secrets["user"].reveal()
    sys.exit(0)
os.waitpid(child, 0)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.feature("F19")
def test_what_was_lent_is_given_back_at_exit_by_the_parent_and_not_by_its_child(
    bao: OpenBao, database: str, approle: tuple[str, str]
) -> None:
    bao.call("PUT", "sys/leases/revoke-prefix/database/creds/app")
    before = set(bao.leases("database/creds/app"))
    with subprocess.Popen(
        [sys.executable, "-c", LENDER, bao.url, str(bao.ca_file), *approle], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as lender:  # fmt: skip
        assert lender.stdout is not None
        assert lender.stdin is not None
        assert lender.stdout.readline() == "ready\n"
        assert len(set(bao.leases("database/creds/app")) - before) == 1
        assert _app_tokens(bao) == 1, "the child's end is not the parent's"
        lender.stdin.close()
        lender.wait(20)
    assert _app_tokens(bao) == 0
    for _ in range(200):  # the server takes back what a revoked token was lent a moment later
        if set(bao.leases("database/creds/app")) <= before:
            return
        time.sleep(0.05)
    raise AssertionError("the lease lives on")


@pytest.mark.parametrize(
    "url", ["", "http://vault.example.com", "vault.example.com:8200", "https://u:p@vault.example.com", "https://[::1"]
)
def test_an_address_that_is_not_https_is_refused(world: World, url: str) -> None:
    with pytest.raises(SecretLoadError, match="STOPPER_VAULT_URL"):
        world.open({"one": "vault:kv/x#key"}, access=Access(vault=VaultAccess(url, token=lambda: Secret("hvs.x"))))


def test_a_wrong_token_is_told(world: World, through: Through) -> None:
    with pytest.raises(SecretLoadError, match=r"refuses the token \(status 403\)") as refused:
        world.open({"one": "vault:kv/x#key"}, access=through(token="hvs.canary-wrong"))
    assert "canary" not in with_locals(refused.value)


@pytest.fixture
def approle(bao: OpenBao) -> tuple[str, str]:
    if bao.raw("GET", "sys/auth/approle", token=bao.root)[0] != 200:
        bao.call("POST", "sys/auth/approle", {"type": "approle"})
    bao.call(
        "POST", "auth/approle/role/app", {"token_policies": ["reads"], "token_ttl": "60s", "token_max_ttl": "150s"}
    )
    role = bao.call("GET", "auth/approle/role/app/role-id")["data"]["role_id"]
    made = bao.call("POST", "auth/approle/role/app/secret-id", {})["data"]
    return role, made["secret_id"]


def _app_tokens(bao: OpenBao) -> int:
    found = 0
    for accessor in bao.call("LIST", "auth/token/accessors")["data"]["keys"]:
        status, data = bao.raw("POST", "auth/token/lookup-accessor", {"accessor": accessor}, bao.root)
        found += status == 200 and json.loads(data)["data"]["path"] == "auth/approle/login"
    return found


@pytest.mark.feature("F19")
def test_an_approle_logs_in_renews_its_token_logs_in_anew_and_gives_it_back(
    bao: OpenBao, world: World, through: Through, approle: tuple[str, str]
) -> None:
    bao.put("kv", "approle", key="by-approle-abcdef")
    role_id, secret_id = approle
    access = through(auth="approle", role_id=role_id, secret_id=lambda: Secret(secret_id))
    found = world.open({"one": "vault:kv/approle#key"}, access=access, pace=Pace(refresh=10))
    assert _app_tokens(bao) == 1
    for _ in range(8):  # 80 seconds on the client's clock: renewed at 40, and again
        world.forward(10)
        assert found["one"].reveal() == "by-approle-abcdef"
    assert _app_tokens(bao) == 1, "renewed, not taken anew"
    for accessor in bao.call("LIST", "auth/token/accessors")["data"]["keys"]:
        status, data = bao.raw("POST", "auth/token/lookup-accessor", {"accessor": accessor}, bao.root)
        if status == 200 and json.loads(data)["data"]["path"] == "auth/approle/login":
            bao.call("POST", "auth/token/revoke-accessor", {"accessor": accessor})
    world.forward(10)
    assert found["one"].reveal() == "by-approle-abcdef"
    assert _app_tokens(bao) == 1, "the token was revoked, so it logged in anew"
    assert world.names() == []
    found.close()
    assert _app_tokens(bao) == 0


def test_a_secret_id_that_is_wrong_shows_nothing(world: World, through: Through, approle: tuple[str, str]) -> None:
    access = through(auth="approle", role_id=approle[0], secret_id=lambda: Secret("canary-secret-id"))
    with pytest.raises(SecretLoadError, match="refuses the log-in by approle") as refused:
        world.open({"one": "vault:kv/x#key"}, access=access)
    assert "canary" not in with_locals(refused.value)


class _Kubernetes(BaseHTTPRequestHandler):
    """The one call of Kubernetes that Vault makes: TokenReview. It knows one service account."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = asked["spec"]["token"] == self.server.account  # type: ignore[attr-defined]
        user = {"username": "system:serviceaccount:shop:api", "uid": "u-1", "groups": []}
        body = json.dumps(
            {
                "kind": "TokenReview",
                "apiVersion": "authentication.k8s.io/v1",
                "status": {"authenticated": known, "user": user if known else {}},
            }
        ).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.mark.feature("F19")
def test_a_kubernetes_service_account_logs_in(bao: OpenBao, world: World, through: Through, tmp_path: Path) -> None:
    account = jwt.encode(
        {"sub": "system:serviceaccount:shop:api", "kubernetes.io": {"namespace": "shop", "serviceaccount": {"name": "api", "uid": "u-1"}}},
        ec.generate_private_key(ec.SECP256R1()), algorithm="ES256",
    )  # fmt: skip
    server = HTTPServer((HERE, 0), _Kubernetes)
    server.account = account  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        bao.call("POST", "sys/auth/kubernetes", {"type": "kubernetes"})
        host = f"http://{HERE}:{server.server_port}"
        bao.call(
            "POST",
            "auth/kubernetes/config",
            {
                "kubernetes_host": host,
                "token_reviewer_jwt": account,
                "kubernetes_ca_cert": bao.ca_file.read_text(),
                "disable_local_ca_jwt": True,
            },
        )
        bao.call(
            "POST", "auth/kubernetes/role/shop",
            {"bound_service_account_names": ["api"], "bound_service_account_namespaces": ["shop"], "token_policies": ["reads"]},
        )  # fmt: skip
        bao.put("kv", "kube", key="by-kubernetes-abcdef")
        mounted = tmp_path / "token"
        mounted.write_text(account)
        found = world.open(
            {"one": "vault:kv/kube#key"}, access=through(auth="kubernetes", role="shop"), service_account=mounted
        )
        assert found["one"].reveal() == "by-kubernetes-abcdef"
        mounted.write_text(account + "x")
        with pytest.raises(SecretLoadError, match="refuses the log-in by kubernetes"):
            World().open(
                {"one": "vault:kv/kube#key"}, access=through(auth="kubernetes", role="shop"), service_account=mounted
            )
        mounted.unlink()
        with pytest.raises(SecretLoadError, match="does this run in Kubernetes"):
            World().open(
                {"one": "vault:kv/kube#key"}, access=through(auth="kubernetes", role="shop"), service_account=mounted
            )
    finally:
        server.shutdown()
        server.server_close()


def test_a_namespace_is_asked(bao: OpenBao, world: World, through: Through) -> None:
    bao.call("POST", "sys/namespaces/team", {})
    root = Secret(bao.root)
    import urllib3

    with urllib3.PoolManager(1, ca_certs=str(bao.ca_file)) as pool:
        headers = {"X-Vault-Token": bao.root, "X-Vault-Namespace": "team", "Content-Type": "application/json"}
        pool.request(
            "POST", f"{bao.url}/v1/sys/mounts/kv", json={"type": "kv", "options": {"version": "1"}}, headers=headers
        )
        pool.request("PUT", f"{bao.url}/v1/kv/inside", json={"key": "in-the-namespace"}, headers=headers)
    access = Access(vault=VaultAccess(bao.url, "team", str(bao.ca_file), token=lambda: root))
    assert world.open({"one": "vault:kv/inside#key"}, access=access)["one"].reveal() == "in-the-namespace"
    with pytest.raises(SecretLoadError, match="nothing at kv/inside"):
        World().open({"one": "vault:kv/inside#key"}, access=through())


@pytest.fixture(scope="session")
def database(bao: OpenBao, cluster: Cluster) -> str:
    """A real PostgreSQL in which the server makes and drops roles; leases of 60 seconds, renewable up to 150."""
    url = cluster.new_database()
    name = url.split("@/")[1].split("?")[0]
    bao.call("POST", "sys/mounts/database", {"type": "database"})
    bao.call(
        "POST", "database/config/shop",
        {
            "plugin_name": "postgresql-database-plugin", "allowed_roles": "app",
            "connection_url": f"host={cluster.folder} user=stopper dbname={name} sslmode=disable", "username": "stopper", "password": "x",
        },
    )  # fmt: skip
    bao.call(
        "POST", "database/roles/app",
        {
            "db_name": "shop", "default_ttl": "60s", "max_ttl": "150s",
            "creation_statements": ["CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"],
        },
    )  # fmt: skip
    return f"host={cluster.folder} dbname={name}"


DYNAMIC = {"user": "vault:database/creds/app#username", "password": "vault:database/creds/app#password"}


@pytest.mark.feature("F19")
def test_lent_credentials_of_a_real_database_are_renewed_replaced_and_given_back(
    bao: OpenBao, world: World, through: Through, database: str
) -> None:
    found = world.open(DYNAMIC, access=through())
    first = found["user"].reveal()
    with psycopg.connect(f"{database} user={first} password={found['password'].reveal()}") as connection:
        assert connection.execute("select current_user").fetchone() == (first,)
    leases = bao.leases("database/creds/app")
    assert len(leases) == 1, "user and password come from one lease"
    world.forward(41)  # two thirds of 60
    assert found["user"].reveal() == first
    assert bao.leases("database/creds/app") == leases, "renewed"
    renewed = bao.call("PUT", "sys/leases/lookup", {"lease_id": f"database/creds/app/{leases[0]}"})["data"]
    assert renewed["last_renewal"] is not None
    bao.call("PUT", "sys/leases/revoke", {"lease_id": f"database/creds/app/{leases[0]}"})
    world.forward(41)
    second = found["user"].reveal()
    assert second != first, "a lease that ended early is replaced"
    assert world.names() == ["secret-rotated"]
    psycopg.connect(f"{database} user={second} password={found['password'].reveal()}").close()
    found.close()
    assert bao.leases("database/creds/app") == []
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"{database} user={second} password={found['password'].reveal()}")


def test_a_lease_that_is_idle_beyond_its_life_is_taken_anew(
    bao: OpenBao, world: World, through: Through, database: str
) -> None:
    found = world.open(DYNAMIC, access=through())
    first = found["user"].reveal()
    bao.call("PUT", "sys/leases/revoke-prefix/database/creds/app")
    world.forward(3000)
    assert found["user"].reveal() != first


def test_a_lease_ends_in_an_outage_and_is_then_refused(
    bao: OpenBao, world: World, through: Through, door: Door, database: str
) -> None:
    found = world.open(DYNAMIC, access=through())
    first = found["user"].reveal()
    door.fault = doors.hangs_up
    world.forward(59)
    assert found["user"].reveal() == first
    world.forward(2)
    with pytest.raises(SecretUnavailableError):
        _ = found["user"]
    assert world.names() == ["secret-backend-away", "secret-ended"]
    door.fault = None
    world.forward(6)
    assert found["user"].reveal()


@pytest.mark.feature("F19")
def test_a_jump_of_the_wall_clock_changes_nothing(bao: OpenBao, world: World, through: Through, door: Door) -> None:
    bao.put("kv", "jump", key="jump-abcdef")
    found = world.open({"one": "vault:kv/jump#key"}, access=through(), pace=Pace(refresh=60, keep=600))
    before = door.requests
    for jump in (-(10**9), 10**9, 86_400 * 365, -86_400 * 365):
        world.wall.forward(jump)
        assert found["one"].reveal() == "jump-abcdef"
    assert door.requests == before
    assert world.names() == []


def test_one_thread_asks_and_the_others_do_not_wait(bao: OpenBao, world: World, through: Through, door: Door) -> None:
    bao.put("kv", "crowd", key="crowd-abcdef")
    found = world.open({"one": "vault:kv/crowd#key"}, access=through(timeout=3.0), pace=Pace(refresh=60))
    door.fault = doors.silent
    before = door.requests
    world.forward(61)
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(found["one"].reveal())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == ["crowd-abcdef"] * 8
    assert door.requests - before == 1


def test_nothing_in_clear_reaches_a_log_at_debug(
    bao: OpenBao, world: World, through: Through, caplog: pytest.LogCaptureFixture
) -> None:
    bao.put("kv", "logged", key="canary-in-a-log")
    token = bao.token("reads")
    with caplog.at_level(logging.DEBUG):
        world.open({"one": "vault:kv/logged#key"}, access=through(token=token))
    text = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "canary-in-a-log" not in text
    assert token not in text
