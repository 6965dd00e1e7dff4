"""`stopper scrub`: what comes out can be shared, and all else comes out byte by byte as it went in."""

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stopper.core import scrub as scrubbing
from stopper.core.redactor import mask
from stopper.core.scrub import Count, scrub

Run = Callable[..., "subprocess.CompletedProcess[str]"]

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
BODY = "\n".join(["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"] * 26)
PEM = f"-----BEGIN PRIVATE KEY-----\n{BODY}\n-----END PRIVATE KEY-----"
LOG = f"""2026-11-25 08:00:00 GET /notes?access_token={JWT}&page=2 200
password=hunter2 user=ann
{PEM}
after the key
"""


def scrubbed(*chunks: bytes) -> bytes:
    return b"".join(scrub(chunks, mask))


def by_size(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1000, 1 << 20])
def test_it_does_not_matter_how_the_bytes_arrive(size: int) -> None:
    shown = scrubbed(*by_size(LOG.encode(), size)).decode()
    assert shown == (
        "2026-11-25 08:00:00 GET /notes?access_token=***&page=2 200\npassword=*** user=ann\n"
        "-----BEGIN PRIVATE KEY----- ***\nafter the key\n"
    )


def test_a_key_without_an_end_takes_no_more_than_a_key_has() -> None:
    text = "-----BEGIN RSA PRIVATE KEY-----\n" + "abcd\n" * 1000 + "password=hunter2\n"
    shown = scrubbed(text.encode()).decode()
    assert shown.startswith("-----BEGIN RSA PRIVATE KEY----- ***\nabcd\n")
    assert shown.endswith("password=***\n")


def test_two_keys_and_text_between() -> None:
    text = f"a {PEM} b\nc {PEM} d\n"
    assert BODY[:20] not in scrubbed(text.encode()).decode()


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=80), max_size=8))
def test_bytes_that_are_no_text_come_out_as_they_went_in(chunks: list[bytes]) -> None:
    data = b"".join(chunks)
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")) and mask(data.decode("utf-8", "surrogateescape")) == data.decode(
        "utf-8", "surrogateescape"
    ):
        assert scrubbed(*chunks) == data


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16(encoding: str) -> None:
    data = ("\ufeff" + LOG).encode(encoding)
    shown = scrubbed(*by_size(data, 13)).decode(encoding)
    assert "hunter2" not in shown
    assert shown.startswith("\ufeff2026-11-25")


@pytest.fixture
def short_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long lines are rare and slow to make; the code does not know how long long is."""
    monkeypatch.setattr(scrubbing, "LONGEST_LINE", 4000)
    monkeypatch.setattr(scrubbing, "_AROUND", 600)


@pytest.mark.usefixtures("short_lines")
@pytest.mark.parametrize("before", range(3700, 4100, 23))
def test_no_secret_is_cut_in_two_in_a_line_without_end(before: int) -> None:
    text = "x " * (before // 2) + f"token={JWT} and " + "y " * 5000
    shown = scrubbed(*by_size(text.encode(), 512)).decode()
    assert shown == text.replace(JWT, "***")


def test_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrubbing, "LONGEST_LINE", 1 << 17)

    def chunks() -> Iterator[bytes]:
        for number in range(80):
            yield (f"line {number} password=hunter2 " + "x " * 30_000).encode() + (b"\n" if number % 40 == 0 else b"")

    tracemalloc.start()
    size = sum(len(part) for part in scrub(chunks(), mask))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 4_000_000
    assert most < 4_000_000


def test_the_count() -> None:
    count = Count()
    list(scrub([b"a\npassword=b\nc\n"], mask, count))
    assert (count.lines, count.masked) == (3, 1)


@pytest.mark.feature("F17")
def test_the_command(stopper: Run, folder: Path) -> None:
    (folder / "app.log").write_text(LOG)
    done = stopper("scrub", "app.log")
    assert done.returncode == 0
    assert done.stdout.count("***") == 3
    assert done.stderr == ""
    assert (folder / "app.log").read_text() == LOG


def test_known_values_are_found_in_any_encoding(stopper: Run, folder: Path) -> None:
    (folder / "known.txt").write_text("swordfish-and-parsley\n")
    (folder / "app.log").write_text(f"a swordfish-and-parsley b {b'swordfish-and-parsley'.hex()} c\n")
    assert stopper("scrub", "app.log", "--known", "known.txt").stdout == "a *** b *** c\n"


def test_values_of_the_environment_are_known(stopper: Run, folder: Path) -> None:
    (folder / "app.log").write_text("it was swordfish-and-parsley\n")
    assert stopper("scrub", "app.log", SHOP_PASSWORD="swordfish-and-parsley").stdout == "it was ***\n"


def test_lines_about_one_key_can_be_told(stopper: Run, folder: Path) -> None:
    (folder / "app.log").write_text(f"a {JWT}\nb {JWT}\nc {JWT[:-1]}A\n")
    first, second, third = stopper("scrub", "app.log", "--tell-apart").stdout.split("\n")[:3]
    assert first[2:] == second[2:] != third[2:]


@pytest.mark.parametrize(("text", "code"), [("password=hunter2\n", 1), ("all is well\n", 0)])
def test_check_writes_nothing_and_says_by_its_code(stopper: Run, folder: Path, text: str, code: int) -> None:
    (folder / "app.log").write_text(text)
    done = stopper("scrub", "app.log", "--check")
    assert (done.returncode, done.stdout) == (code, "")


@pytest.mark.parametrize("arguments", [("gone.log",), (".",), ("app.py", "--known", "gone.txt")])
def test_what_cannot_be_read_is_one_line_and_exit_2(stopper: Run, arguments: tuple[str, ...]) -> None:
    done = stopper("scrub", *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_stdin_flows_through_at_once(folder: Path) -> None:
    """As in `tail -f app.log | stopper scrub -`: a line is there when it has come, not when the pipe ends."""
    command = [sys.executable, "-m", "stopper.cli", "scrub", "-"]
    with subprocess.Popen(
        command, cwd=folder, env=os.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"password=hunter2 first\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"password=*** first\n"
        process.stdin.close()
        assert process.wait(timeout=60) == 0
