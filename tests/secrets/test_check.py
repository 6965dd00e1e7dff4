"""`stopper secrets check`: old, weak, shared, in the repository; each told by name and place, never by value."""

import base64
import json
import os
import secrets
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from stopper.cli.group import run
from stopper.core.secret import Secret
from stopper.secrets.judging import weak_because

GOOD = "q7Rv2mXw9LkT4bNz8HsJ"
OTHER = "Yf3dGc6pVu1aSx5eWo0i"
Check = Callable[..., tuple[int, str]]


@pytest.fixture
def repository_of(tmp_path: Path) -> Path:
    """An empty git repository."""
    _git(tmp_path, "init", "-q", "-b", "main")
    return tmp_path


def _git(folder: Path, *arguments: str) -> None:
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", *who, "-C", str(folder), *arguments], check=True, capture_output=True, env=environ)


def _commit(folder: Path, name: str, content: str | bytes) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    _git(folder, "add", name)
    _git(folder, "commit", "-q", "-m", name)


@pytest.fixture
def check(repository_of: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """Run the command in the repository with these variables; code and all output. The values must not be in it."""
    monkeypatch.chdir(repository_of)
    for name in list(os.environ):
        if name.startswith("STOPPER_"):
            monkeypatch.delenv(name)

    def go(*arguments: str, declared: object = None, **environ: str) -> tuple[int, str]:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        if declared is not None:
            monkeypatch.setenv("STOPPER_SECRETS", json.dumps(declared))
        code = run(["secrets", "check", *arguments])
        got = capsys.readouterr()
        for value in environ.values():
            assert len(value) < 6 or value not in got.out + got.err
        return code, got.out + got.err

    return go


@pytest.mark.feature("F19")
def test_good_secrets_are_good(check: Check) -> None:
    code, out = check(declared={"a": "env:A_KEY", "b": "env:B_KEY"}, A_KEY=GOOD, B_KEY=OTHER)
    assert code == 0
    assert out.splitlines() == ["a  env:A_KEY  age unknown", "b  env:B_KEY  age unknown", "2 secrets, 0 complaints"]


@pytest.mark.feature("F19")
def test_an_old_file_is_told_by_its_days(check: Check, repository_of: Path) -> None:
    file = repository_of / "held"
    file.write_text(GOOD)
    file.chmod(0o600)
    repository_of.chmod(0o700)
    os.utime(file, (0, file.stat().st_mtime - 91 * 86_400))
    declared = {"a": f"file:{file}"}
    code, out = check(declared=declared)
    assert code == 1
    assert "old: is 91 days old; rotate it" in out
    assert check("--max-age", "91", declared=declared)[0] == 0


@pytest.mark.feature("F19")
@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("changeme", "shorter than 16 bytes"),
        ("your-super-secret-key-change-me", "words that every template uses"),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", "repeats a few characters"),
        ("abcdefghabcdefghabcdefgh", "guess"),
        ("postgresql://app:hunter2@db.example/app", "shorter than 16 bytes"),
        ("correcthorsebatterystaple", "guess"),
    ],
)
def test_a_weak_one_is_told(check: Check, value: str, why: str) -> None:
    code, out = check(declared={"a": "env:A_KEY"}, A_KEY=value)
    if why == "guess":
        assert ("weak: " in out) == (weak_because(Secret(value)) is not None)
        return
    assert code == 1
    assert f"weak: {why}" in out or why in out


def test_random_values_are_not_weak() -> None:
    for _ in range(300):
        for made in (
            secrets.token_hex(16),
            secrets.token_urlsafe(16),
            secrets.token_hex(32),
            f"postgresql://a:{secrets.token_urlsafe(24)}@h/d",
        ):
            assert weak_because(Secret(made)) is None, made


def test_addresses_documents_and_private_keys_are_not_called_weak() -> None:
    for value in (
        "https://hooks.example/abc",
        '{"type": "service_account"}',
        "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----",
    ):
        assert weak_because(Secret(value)) is None


@pytest.mark.feature("F19")
def test_one_value_under_two_names_is_told_once(check: Check) -> None:
    code, out = check(declared={"a": "env:A_KEY", "b": "env:B_KEY"}, A_KEY=GOOD, B_KEY=GOOD)
    assert code == 1
    assert out.count("shared: is the same as b") == 1
    assert "1 complaint" in out


def test_a_setting_that_names_a_declared_secret_is_not_shared_with_it_but_an_equal_one_is(check: Check) -> None:
    declared = {"pepper": "env:A_KEY"}
    assert check(declared=declared, A_KEY=GOOD, STOPPER_API_KEY_PEPPER="secret:pepper")[0] == 0
    code, out = check(declared=declared, A_KEY=GOOD, STOPPER_API_KEY_PEPPER=GOOD)
    assert code == 1
    assert "shared: is the same as STOPPER_API_KEY_PEPPER" in out
    assert "the environment" in out


@pytest.mark.feature("F19")
def test_one_in_the_repository_is_told_by_place_in_any_spelling(check: Check, repository_of: Path) -> None:
    value = "p/w+with=odd&letters 12"
    _commit(repository_of, "config.py", f"import os\n\nKEY = {value!r}\n")
    _commit(repository_of, "deploy/k8s.yaml", f"a: b\nkey: {base64.b64encode(value.encode()).decode()}\n")
    _commit(repository_of, "hex.bin", b"\x00\xff\n" + value.encode().hex().encode())
    _commit(repository_of, "url.txt", "http://x/?k=p%2Fw%2Bwith%3Dodd%26letters%2012\n")
    (repository_of / ".env").write_text(f"A_KEY={value}\n")  # not followed by git
    code, out = check(declared={"a": "env:A_KEY"}, A_KEY=value)
    assert code == 1
    places = [line.strip() for line in out.splitlines() if line.startswith("    ")]
    assert places == ["config.py:3", "deploy/k8s.yaml:2", "hex.bin:2", "url.txt:1"]


@pytest.mark.feature("F19")
def test_one_in_the_history_is_told_by_commit_and_the_history_is_bounded(check: Check, repository_of: Path) -> None:
    _commit(repository_of, "old.py", f"a = 1\nKEY = '{GOOD}'\n")
    _commit(repository_of, "old.py", "a = 1\n")
    for number in range(3):
        _commit(repository_of, "other.py", f"n = {number}\n")
    code, out = check(declared={"a": "env:A_KEY"}, A_KEY=GOOD)
    assert code == 1
    assert "old.py:2 (commit " in out
    assert check("--history", "2", declared={"a": "env:A_KEY"})[0] == 0
    assert check("--history", "0", declared={"a": "env:A_KEY"})[0] == 0


def test_a_value_of_several_lines_is_found_by_its_longest(check: Check, repository_of: Path) -> None:
    pem = f"-----BEGIN PRIVATE KEY-----\n{secrets.token_urlsafe(48)}\n{secrets.token_urlsafe(48)}\n-----END PRIVATE KEY-----"
    _commit(repository_of, "key.pem", pem)
    _commit(repository_of, "key.pem", "gone\n")
    code, out = check(declared={"a": "env:A_KEY"}, A_KEY=pem)
    assert code == 1
    assert "key.pem:2 (commit " in out


def test_the_value_is_never_an_argument_of_a_command(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    real = subprocess.Popen.__init__

    def spy(self: object, args: object, *rest: object, **named: object) -> None:
        seen.append(repr(args))
        real(self, args, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(subprocess.Popen, "__init__", spy)
    check(declared={"a": "env:A_KEY"}, A_KEY=GOOD)
    assert len(seen) >= 3
    assert GOOD not in "".join(seen)


def test_outside_of_a_repository_it_says_so(check: Check, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("plain")
    code, out = check("--root", str(elsewhere), declared={"a": "env:A_KEY"}, A_KEY=GOOD)
    assert code == 0
    assert "note: the repository was not searched" in out


@pytest.mark.feature("F19")
def test_json(check: Check, repository_of: Path) -> None:
    _commit(repository_of, "x.py", f"{GOOD}\n")
    code, out = check("--format", "json", declared={"a": "env:A_KEY", "b": "env:NOT_THERE"}, A_KEY=GOOD)
    assert code == 1
    said = json.loads(out)
    assert said["secrets"] == [{"name": "a", "where": "env:A_KEY", "age_days": None, "lent": False}]
    assert said["complaints"] == [
        {
            "name": "a",
            "kind": "in-repository",
            "text": "stands in the repository; rotate it, then take it out",
            "places": ["x.py:1"],
        }
    ]
    assert len(said["errors"]) == 1
    assert "NOT_THERE is not set" in said["errors"][0]


def test_one_that_cannot_be_loaded_is_exit_3_and_does_not_hide_the_others(check: Check) -> None:
    code, out = check(declared={"a": "env:NOT_THERE", "b": "env:B_KEY"}, B_KEY=GOOD)
    assert code == 3
    assert "error: the secret a (env:NOT_THERE) could not be loaded" in out
    assert "b  env:B_KEY" in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "no secrets are declared"),
        (("nothing.json",), "neither MODULE:APP nor a file"),
        (("nothing_at_all:app",), "nothing_at_all"),
        (("--root", "nothing"), "is not a folder"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(check: Check, arguments: tuple[str, ...], told: str) -> None:
    code, out = check(*arguments)
    assert code == 2
    assert told in out
    assert out.count("\n") == 1


def test_a_declaration_that_is_a_secret_is_exit_2_and_not_shown(check: Check) -> None:
    code, out = check(declared={"a": GOOD})
    assert code == 2
    assert GOOD not in out


def test_a_file_as_json_or_toml(check: Check, repository_of: Path) -> None:
    (repository_of / "s.json").write_text('{"a": "env:A_KEY"}')
    (repository_of / "s.toml").write_text('[STOPPER_SECRETS]\na = "env:A_KEY"\n')
    for name in ("s.json", "s.toml"):
        code, out = check(name, A_KEY=GOOD)
        assert code == 0, out
        assert "a  env:A_KEY" in out
    (repository_of / "bad.json").write_text("[]")
    assert check("bad.json")[0] == 2


@pytest.mark.feature("F19")
def test_an_app_with_what_its_config_holds(check: Check, repository_of: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(repository_of))
    name = f"shop_{secrets.token_hex(4)}"
    _commit(
        repository_of, f"{name}.py",
        "from flask import Flask\napp = Flask(__name__)\napp.config['STOPPER_SECRETS'] = {'a': 'env:A_KEY'}\napp.config['SECRET_KEY'] = 'dev-secret-key'\n",
    )  # fmt: skip
    code, out = check(f"{name}:app", A_KEY=GOOD)
    assert code == 1
    assert [line.split() for line in out.splitlines() if line.startswith(("a ", "S"))] == [
        ["a", "env:A_KEY", "age", "unknown"],
        ["SECRET_KEY", "app.config", "age", "unknown"],
    ]
    assert f"    {name}.py:4" in out
    assert "dev-secret-key" not in out


def test_an_app_that_dies_is_exit_3(check: Check, repository_of: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(repository_of))
    name = f"dead_{secrets.token_hex(4)}"
    (repository_of / f"{name}.py").write_text("raise RuntimeError('no database')\n")
    code, out = check(f"{name}:app")
    assert code == 3
    assert "dies on import: RuntimeError: no database" in out
