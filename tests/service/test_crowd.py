"""Many at once, and raw bytes, against a service that really runs."""

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import urllib3
from tests.servers.service import PASSWORD, Service, serving

PERSON = {"email": "ann@example.com", "password": PASSWORD}


def _at_once(service: Service, path: str, body: dict[str, str], times: int) -> list[tuple[int, bytes]]:
    service.pool = urllib3.PoolManager(maxsize=times, retries=False)

    def one(_: int) -> tuple[int, bytes]:
        answer = service.ask("POST", path, body)
        return answer.status, answer.body

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def test_one_token_refreshed_by_many_requests_in_three_processes_gives_one_answer(tmp_path: Path) -> None:
    with serving(tmp_path / "run", "--workers", "3") as service:
        service.ask("POST", "/auth/register", PERSON)
        token = service.ask("POST", "/auth/login", PERSON).json["refresh_token"]
        for _ in range(5):
            answers = set(_at_once(service, "/auth/refresh", {"refresh_token": token}, 6))
            assert len(answers) == 1
            status, body = answers.pop()
            assert status == 200
            token = service.ask("POST", "/auth/refresh", {"refresh_token": token}).json["refresh_token"]
            assert token.encode() in body


def test_a_crowd_that_logs_in_is_served_or_told_to_wait_and_the_rest_goes_on(service: Service) -> None:
    service.ask("POST", "/auth/register", PERSON)
    tokens = service.ask("POST", "/auth/login", PERSON).json
    statuses = {status for status, _ in _at_once(service, "/auth/login", PERSON, 40)}
    assert 200 in statuses
    assert statuses <= {200, 429, 503}
    assert service.ask("GET", "/auth/me", token=tokens["access_token"]).status == 200


def _raw(service: Service, *parts: bytes) -> bytes:
    where = urlsplit(service.address)
    assert where.port
    with socket.create_connection((str(where.hostname), where.port), timeout=20) as connection:
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def _status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_a_body_without_a_length_is_held_to_the_limit_too(service: Service) -> None:
    head = b"POST /auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
    assert _status(_raw(service, chunked, chunk * 20, b"0\r\n\r\n")) == 413
    assert _status(_raw(service, chunked, b"2\r\n{}\r\n0\r\n\r\n")) == 400


def test_a_length_that_lies_is_400_and_no_fault(service: Service) -> None:
    head = b"POST /auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    assert _status(_raw(service, head + b"Content-Length: 500\r\n\r\n", b'{"email": "a@example.com"}')) == 400
    assert _status(_raw(service, head + b"Content-Length: 999999999\r\n\r\n", b"{}")) == 413
    assert _status(_raw(service, head + b"\r\n")) == 400


@pytest.mark.parametrize("broken", [b"zz\r\n{}\r\n0\r\n\r\n", b"5\r\n{}", b"2\r\n{}XX0\r\n\r\n", b"-1\r\n", b""])
def test_a_broken_chunk_is_400_and_no_fault(service: Service, broken: bytes) -> None:
    head = b"POST /auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
    assert _status(_raw(service, head + b"Transfer-Encoding: chunked\r\n\r\n", broken)) == 400
    assert "Traceback" not in (service.folder / "err").read_text()


def test_two_credentials_or_strange_bytes_are_400(service: Service) -> None:
    head = b"GET /auth/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    assert _status(_raw(service, head + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n")) == 400
    assert _status(_raw(service, head + b"Authorization: Bearer \xff\xfe\r\n\r\n")) == 400
    assert _status(_raw(service, head + b"Authorization: Bearer a.b.c\r\n\r\n")) == 401
