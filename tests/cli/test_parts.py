"""Identities, outputs, config and the gate, each alone."""

import base64
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopper.cli.check import command
from stopper.cli.config import KEYS, load
from stopper.cli.fixing import apply
from stopper.cli.gate import exit_code
from stopper.cli.identity import identities, identity
from stopper.cli.output import paired, save
from stopper.cli.plain import FLAGS, NUMBERS, REPEATED, TEXTS, UNSAID, WORDS, plain
from stopper.cli.surroundings import held
from stopper.core.errors import UsageError
from stopper.core.finding import Finding
from stopper.core.place import Span
from stopper.core.redactor import mask
from stopper.core.rule import Edit, Rule
from stopper.scan.report import Coverage, ReadError, Report

# --- identities ------------------------------------------------------------------------------------------------------


def headers(text: str) -> list[tuple[str, str]]:
    return [(name, value.reveal()) for name, value in identity(text).headers]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("alice=Bearer abc.def.ghi", [("Authorization", "Bearer abc.def.ghi")]),
        ("alice=bearer opaque-token_1", [("Authorization", "Bearer opaque-token_1")]),
        ("alice=eyJhbGciOiJIUzI1NiJ9.e30.sig", [("Authorization", "Bearer eyJhbGciOiJIUzI1NiJ9.e30.sig")]),
        ("alice=ApiKey:X-API-Key:k=1:2", [("X-API-Key", "k=1:2")]),
        ("alice=apikey:Authorization:Key abc", [("Authorization", "Key abc")]),
        ("alice=X-API-Key: k=1:2", [("X-API-Key", "k=1:2")]),
        ("alice=X-Auth-Token:abc", [("X-Auth-Token", "abc")]),
        ("alice=Authorization: Bearer abc.def.ghi", [("Authorization", "Bearer abc.def.ghi")]),
        ("alice=Basic ann:pa:ss wd", [("Authorization", "Basic " + base64.b64encode(b"ann:pa:ss wd").decode())]),
        ("alice=Cookie session=abc; theme=dark", [("Cookie", "session=abc; theme=dark")]),
        ("alice=Login ann@example.com:pass word", []),
    ],
)
def test_a_credential_becomes_its_headers(text: str, expected: list[tuple[str, str]]) -> None:
    assert headers(text) == expected


def test_a_bearer_token_and_an_account_are_known_apart() -> None:
    bearer, login = identity("a=Bearer tok.en.x"), identity("b=Login ann:secret pass")
    assert bearer.token is not None
    assert bearer.token.reveal() == "tok.en.x"
    assert (login.subject, login.password and login.password.reveal()) == ("ann", "secret pass")


def test_a_credential_may_stand_in_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("Bearer from.the.file\n")
    monkeypatch.setenv("ALICE", "ApiKey:X-API-Key:from-env")
    assert headers(f"alice=@{tmp_path / 'token'}") == [("Authorization", "Bearer from.the.file")]
    assert headers("alice=env:ALICE") == [("X-API-Key", "from-env")]


@pytest.mark.parametrize(
    "text",
    [
        "", "alice", "=Bearer x", "a b=Bearer x", "alice=", "alice=Bearer", "alice=Bearer two words", "alice=Bearer a\r\nX: y",
        "alice=plain", "alice=Basic nocolon", "alice=ApiKey:X-API-Key:", "alice=ApiKey:bad header:x", "alice=ApiKey:X:a\nb", "alice=X-API-Key: a\nb", "alice=X-API-Key:", "alice=Authorization: what",
        "alice=Cookie novalue", "alice=Login onlyname", "alice=Negotiate abc",
    ],
)  # fmt: skip
def test_an_unclear_credential_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        identity(text)
    assert "\n" not in str(refused.value)
    shown = re.split("[ :]", text)[-1]
    assert len(shown) < 6 or shown not in str(refused.value)


@given(st.text(max_size=60))
def test_any_text_is_an_identity_or_a_refusal_and_never_a_header_with_a_line_break(text: str) -> None:
    if "=@" in text or "=env:" in text:
        return
    try:
        made = identity(text)
    except UsageError:
        return
    assert not any("\n" in value.reveal() or "\r" in value.reveal() for _, value in made.headers)


def test_one_name_is_one_identity() -> None:
    with pytest.raises(UsageError, match="given twice"):
        identities(["a=Bearer x1", "a=Bearer x2"])


# --- outputs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formats", "outputs", "expected"),
    [
        ([], [], [("text", None)]),
        (["json"], [], [("json", None)]),
        (["json"], ["a"], [("json", "a")]),
        (["json", "html"], ["a", "b"], [("json", "a"), ("html", "b")]),
        (["json", "html"], ["a.html", "b.json"], [("json", "a.html"), ("html", "b.json")]),
        (["text", "html"], ["r.html"], [("html", "r.html"), ("text", None)]),
        ([], ["r.sarif", "r.xml"], [("sarif", "r.sarif"), ("junit", "r.xml")]),
        (["json"], ["-"], [("json", None)]),
    ],
)
def test_formats_and_files_pair_up(
    formats: list[str],
    outputs: list[str],
    expected: list[tuple[str, str | None]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert [(one.format, str(one.path) if one.path else None) for one in paired(formats, outputs)] == expected


def test_a_file_is_the_old_one_or_the_whole_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.json"
    path.write_text("old")
    path.chmod(0o640)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(UsageError, match="no space left"):
            save(path, "new" * 100_000)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    save(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640


# --- config ----------------------------------------------------------------------------------------------------------


def test_config_is_found_upwards_and_the_nearest_file_wins(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.stopper]\nthreshold = 80\n")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "app.py").write_text("")
    assert load(None, inner / "app.py").value("threshold", 0) == 80
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    assert load(None, inner).value("threshold", 0) == 0


def test_every_config_key_is_in_the_manual() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "commands.md").read_text("utf-8")
    for key in KEYS:
        assert f"| `{key}` |" in manual


# --- plain command lines ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "",
        "app other.py",
        "--fix --unsafe-fixes app",
        "app --diff --no-cache --jobs 2",
        "--format json --output a.json --format=sarif --output=b.sarif .",
        "--select jwt,api-key --select high --ignore low --exclude build --exclude *.txt",
        "--fail-on high --accepted known.json --config pyproject.toml --changed-since HEAD~1 --jobs=0",
        "--fail-on low --fail-on high --config= app",
    ],
)
def test_a_plain_line_means_what_click_makes_of_it(line: str) -> None:
    arguments = line.split()
    assert plain(arguments) == command.make_context("check", arguments).params


@pytest.mark.parametrize(
    "line",
    ["-h", "--help", "--threshold 50", "--traceback", "--fix=1", "--jobs two", "--jobs", "--jobs -1", "--format yaml", "--nothing", "-- app", "--output - ."],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_click(line: str) -> None:
    assert plain(line.split()) is None


def test_a_plain_line_knows_every_option_of_check() -> None:
    said = {*FLAGS, *TEXTS, *NUMBERS, *WORDS, *REPEATED, *(f"--{name}" for name in UNSAID)}
    assert said == {name for one in command.params for name in one.opts if name.startswith("-")}


# --- the gate --------------------------------------------------------------------------------------------------------


def report(
    *severities: str, fatal: bool = False, score: int | None = 95, tested: int = 5, command: str = "audit"
) -> Report:
    findings = tuple(
        Finding(Rule("r", "jwt", "t", "h", one, "ssrf", (), "", (), ("source",), "e"), "m", (), "proven")  # type: ignore[arg-type]
        for one in severities
    )
    errors = (ReadError("x.py", "broken", fatal=fatal),)
    return Report(command, "t", "default", "", 1.0, findings, Coverage(tested, 5), errors=errors, score=score)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("run", "fail_on", "threshold", "code"),
    [
        (report(), "medium", None, 0),
        (report("low"), "medium", None, 0),
        (report("low"), "low", None, 1),
        (report("medium"), "medium", None, 1),
        (report("high"), "critical", None, 0),
        (report("high", fatal=True), "medium", None, 1),
        (report("low", fatal=True), "medium", None, 3),
        (report(fatal=True), "medium", None, 3),
        (report(tested=0), "medium", None, 3),
        (report(tested=0, command="check"), "medium", None, 0),
        (report(score=79), "medium", 80, 1),
        (report(score=80), "medium", 80, 0),
        (report(score=79, fatal=True), "medium", 80, 1),
        (report(score=None), "medium", 80, 3),
    ],
)
def test_the_gate(run: Report, fail_on: str, threshold: int | None, code: int) -> None:
    assert exit_code(run, fail_on, threshold) == code  # type: ignore[arg-type]


# --- fixes -----------------------------------------------------------------------------------------------------------

EDIT = Edit(Span("app.py", 1, 1, 1, 4), "new", True)


def test_a_file_that_changed_since_it_was_read_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "app.py"
    path.write_text("old = 1\n")
    assert apply([EDIT], tmp_path, started=path.stat().st_mtime_ns).left == (
        ("app.py", "it changed while it was read; type the same again"),
    )
    assert path.read_text() == "old = 1\n"
    done = apply([EDIT], tmp_path, started=path.stat().st_mtime_ns + 1)
    assert done.written == ("app.py",)
    assert path.read_text() == "new = 1\n"


def test_a_fix_that_would_break_the_file_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "app.py"
    path.write_text("old = 1\n")
    done = apply([replace(EDIT, text="new = (")], tmp_path, started=path.stat().st_mtime_ns + 1)
    assert done.written == ()
    assert "does not fit" in done.left[0][1]
    assert path.read_text() == "old = 1\n"


def test_line_ends_and_modes_survive_a_fix(tmp_path: Path) -> None:
    path = tmp_path / "app.py"
    path.write_bytes(b"old = 1\r\nx = 'a'\r\n")
    path.chmod(0o755)
    apply([replace(EDIT, imports=("os",))], tmp_path, started=path.stat().st_mtime_ns + 1)
    assert path.read_bytes() == b"import os\r\nnew = 1\r\nx = 'a'\r\n"
    assert path.stat().st_mode & 0o777 == 0o755


def test_every_option_of_every_command_is_in_the_manual() -> None:
    import click

    from stopper.cli.group import COMMANDS, group

    manual = (Path(__file__).parents[2] / "docs" / "commands.md").read_text("utf-8")
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        assert f"stopper {name}" in manual
        if name not in ("rules", "demo"):
            for option in (one for param in command.params for one in param.opts if one.startswith("--")):
                assert f"`{option}" in manual, f"stopper {name} {option}"


def test_secrets_of_the_environment_and_of_an_env_file_are_masked_while_they_are_held(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# DB_PASSWORD=commentedOut1\nexport DB_PASSWORD='fromTheEnvFile1'\nCOLOUR=blueblueblue\n"
    )
    kept = held({"GITHUB_TOKEN": "fromTheEnvironment1", "HOME": "/home/somebody"}, tmp_path / ".env")
    assert [one.reveal() for one in kept] == ["fromTheEnvironment1", "fromTheEnvFile1"]
    assert mask("a fromTheEnvFile1 b fromTheEnvironment1 c blueblueblue") == "a *** b *** c blueblueblue"
