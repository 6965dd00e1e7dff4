"""The way of a stranger through a service that really runs."""

import os
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest
from tests.servers.service import PASSWORD, Service, serving

EMAIL = "ann@example.com"


def _walk(service: Service) -> list[str]:
    """Register, log in, be let in, be refused, refresh, log out, be refused; returns every secret that was seen."""
    assert service.ask("POST", "/auth/register", {"email": EMAIL, "password": PASSWORD}).status == 201
    answer = service.ask("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD})
    assert answer.status == 200
    first = answer.json
    assert set(first) == {"access_token", "refresh_token", "token_type", "expires_in", "scope"}
    assert service.ask("GET", "/auth/me", token=first["access_token"]).json["email"] == EMAIL
    refused = service.ask("GET", "/auth/me")
    assert refused.status == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    renewed = service.ask("POST", "/auth/refresh", {"refresh_token": first["refresh_token"]})
    second = renewed.json
    assert service.ask("POST", "/auth/refresh", {"refresh_token": first["refresh_token"]}).body == renewed.body
    assert service.ask("GET", "/auth/me", token=second["access_token"]).status == 200
    assert service.ask("POST", "/auth/logout", token=second["access_token"]).status == 204
    time.sleep(1.05)  # the bound within which every process knows
    for tokens in (first, second):
        old = service.ask("GET", "/auth/me", token=tokens["access_token"])
        assert old.status == 401
        assert old.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert service.ask("POST", "/auth/refresh", {"refresh_token": tokens["refresh_token"]}).status == 401
    return [PASSWORD, *(tokens[name] for tokens in (first, second) for name in ("access_token", "refresh_token"))]


@pytest.mark.feature("F7")
def test_the_whole_way_with_no_option(service: Service) -> None:
    secrets = _walk(service)
    output = service.output()
    for secret in secrets:
        assert secret not in output
        assert secret.split(".")[-1] not in output
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (service.folder / ".stopper").iterdir()}
    assert set(modes.values()) == {0o600}, modes
    assert stat.S_IMODE((service.folder / ".stopper").stat().st_mode) == 0o700


def test_the_whole_way_with_three_processes(tmp_path: Path) -> None:
    with serving(tmp_path / "run", "--workers", "3") as service:
        _walk(service)
        assert "each takes its part" in service.output()


def test_the_whole_way_over_postgresql(tmp_path: Path, cluster) -> None:
    with serving(tmp_path / "run", "--workers", "2", "--database", cluster.new_database()) as service:
        _walk(service)
        assert not (service.folder / ".stopper" / "stopper.db").exists()


def test_what_was_made_is_there_after_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path / "run", "--issuer", "http://127.0.0.1:8000") as service:
        service.ask("POST", "/auth/register", {"email": EMAIL, "password": PASSWORD})
        tokens = service.ask("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD}).json
        keys = service.ask("GET", "/.well-known/jwks.json").json
    with serving(tmp_path / "run", "--issuer", "http://127.0.0.1:8000") as service:
        assert service.ask("GET", "/.well-known/jwks.json").json == keys
        assert service.ask("GET", "/auth/me", token=tokens["access_token"]).status == 200
        assert service.ask("POST", "/auth/refresh", {"refresh_token": tokens["refresh_token"]}).status == 200


def test_it_survives_the_death_of_its_worker(service: Service) -> None:
    service.ask("POST", "/auth/register", {"email": EMAIL, "password": PASSWORD})
    tokens = service.ask("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD}).json
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(service.process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert children
    os.kill(int(children[0]), signal.SIGKILL)
    service.pool.clear()
    assert service.ask("GET", "/auth/me", token=tokens["access_token"]).status == 200


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly(tmp_path: Path, how: signal.Signals) -> None:
    with serving(tmp_path / "run") as service:
        service.process.send_signal(how)
        assert service.process.wait(30) == 0
        assert "Traceback" not in service.output()


@pytest.mark.feature("F43")
def test_the_last_session_of_a_changed_password_goes_on(service: Service) -> None:
    service.ask("POST", "/auth/register", {"email": EMAIL, "password": PASSWORD})
    here, there = (service.ask("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD}).json for _ in range(2))
    new = "copper lantern seven rivers"
    changed = service.ask(
        "POST", "/auth/password/change", {"current_password": PASSWORD, "new_password": new}, token=here["access_token"]
    )
    assert changed.status == 200
    for old in (here, there):
        assert service.ask("GET", "/auth/me", token=old["access_token"]).status == 401
        assert service.ask("POST", "/auth/refresh", {"refresh_token": old["refresh_token"]}).status == 401
    assert service.ask("GET", "/auth/me", token=changed.json["access_token"]).status == 200
    assert service.ask("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD}).status == 401
    assert service.ask("POST", "/auth/login", {"email": EMAIL, "password": new}).status == 200
