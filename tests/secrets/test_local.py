"""Secrets from the environment, from files and from a developer's .env file; two declared versions."""

import contextlib
import hmac
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.secrets.conftest import World
from tests.secrets.crash import with_locals

from stopper.core.errors import InvalidCredentialError
from stopper.secrets import (
    Access,
    FetchError,
    Pace,
    SecretLoadError,
    Secrets,
    SecretUnavailableError,
    dotenv,
    open_secrets,
)
from stopper.secrets.file import FileBackend

as_root = os.geteuid() == 0


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """A folder of this user alone with one secret file."""
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    file = folder / "payments"
    file.write_text("from-a-file\n")
    file.chmod(0o600)
    return file


@pytest.mark.feature("F19")
def test_a_variable_of_the_environment(world: World) -> None:
    found = world.open({"payments": "env:PAYMENTS_KEY"}, access=Access({"PAYMENTS_KEY": "from-the-environment"}))
    assert found["payments"].reveal() == "from-the-environment"
    assert list(found) == ["payments"]
    assert len(found) == 1
    assert "payments" in found
    with pytest.raises(KeyError):
        _ = found["other"]


@pytest.mark.parametrize("environ", [{}, {"PAYMENTS_KEY": ""}])
def test_a_variable_that_is_not_set_stops_the_start(world: World, environ: dict[str, str]) -> None:
    with pytest.raises(SecretLoadError) as refused:
        world.open({"payments": "env:PAYMENTS_KEY"}, access=Access(environ))
    assert str(refused.value) == (
        "the secret payments (env:PAYMENTS_KEY) could not be loaded: PAYMENTS_KEY is not set; set it in the environment"
        " (a .env file is read in mode dev only), or declare another reference"
    )


@pytest.mark.feature("F19")
def test_a_file_loses_one_line_end_and_nothing_else(world: World, mounted: Path) -> None:
    for content, value in (
        (b"a\n", b"a"),
        (b"a\r\n", b"a"),
        (b"a\n\n", b"a\n"),
        (b" a b ", b" a b "),
        (b"\xff\x00\n", b"\xff\x00"),
    ):
        mounted.write_bytes(content)
        assert world.open({"one": f"file:{mounted}"})["one"].reveal_bytes() == value


def test_a_member_of_a_json_file(world: World, mounted: Path) -> None:
    mounted.write_text('{"user": "shop", "password": "of-json", "port": 5432, "list": []}')
    found = world.open(
        {"password": f"file:{mounted}#password", "port": f"file:{mounted}#port", "all": f"file:{mounted}"}
    )
    assert found["password"].reveal() == "of-json"
    assert found["port"].reveal() == "5432"
    assert found["all"].reveal().startswith("{")
    for key in ("other", "list"):
        with pytest.raises(SecretLoadError, match=f"no member '{key}'"):
            world.open({"x": f"file:{mounted}#{key}"})


@pytest.mark.parametrize(
    "content", ["canary-of-no-json", '{"a": "canary", "a": "canary"}', '["canary"]', '{"a": "canary']
)
def test_a_file_that_is_no_json_object_shows_nothing_when_a_member_is_asked(
    world: World, mounted: Path, content: str
) -> None:
    mounted.write_text(content)
    with pytest.raises(SecretLoadError, match="no JSON object") as refused:
        world.open({"x": f"file:{mounted}#a"})
    assert "canary" not in with_locals(refused.value)


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        (0o604, "every user may read"),
        (0o620, "others may write"),
        (0o602, "others may write"),
        (0o666, "others may write"),
    ],
)
def test_a_file_that_others_may_read_or_write_is_refused(world: World, mounted: Path, mode: int, told: str) -> None:
    mounted.chmod(mode)
    with pytest.raises(SecretLoadError, match=told) as refused:
        world.open({"one": f"file:{mounted}"})
    assert "chmod" in str(refused.value)
    assert "from-a-file" not in with_locals(refused.value)


def test_a_readable_file_can_be_allowed_but_never_a_writable_one(world: World, mounted: Path) -> None:
    mounted.chmod(0o644)
    assert world.open({"one": f"file:{mounted}"}, access=Access(allow_readable_files=True))["one"]
    mounted.chmod(0o646)
    with pytest.raises(SecretLoadError, match="others may write"):
        world.open({"one": f"file:{mounted}"}, access=Access(allow_readable_files=True))


@pytest.mark.feature("F19")
def test_a_kubernetes_volume_is_taken_with_its_links_and_followed_when_it_turns(world: World, tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    for number in (1, 2):
        (volume / f"..2026_{number}").mkdir(parents=True)
        (volume / f"..2026_{number}" / "payments").write_text(f"of-turn-{number}")
        (volume / f"..2026_{number}" / "payments").chmod(0o644)  # what Kubernetes gives by default
    (volume / "..data").symlink_to("..2026_1")
    (volume / "payments").symlink_to("..data/payments")
    found = world.open({"one": f"file:{volume}/payments"}, pace=Pace(refresh=60))
    assert found["one"].reveal() == "of-turn-1"
    (volume / "..next").symlink_to("..2026_2")
    (volume / "..next").rename(volume / "..data")
    world.forward(60)
    assert found["one"].reveal() == "of-turn-2"
    assert found.verify("one", "of-turn-1") == "previous"


def test_a_link_out_of_its_folder_is_refused(world: World, mounted: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("of-somebody-else")
    other.chmod(0o600)
    mounted.unlink()
    mounted.symlink_to(other)
    with pytest.raises(SecretLoadError, match="link out of its folder"):
        world.open({"one": f"file:{mounted}"})


def test_links_in_a_circle_are_refused(world: World, mounted: Path) -> None:
    mounted.unlink()
    mounted.symlink_to(mounted.with_name("back"))
    mounted.with_name("back").symlink_to(mounted)
    with pytest.raises(SecretLoadError, match="cannot be reached"):
        world.open({"one": f"file:{mounted}"})


def test_a_folder_in_which_others_may_replace_files_is_refused(world: World, mounted: Path) -> None:
    mounted.parent.chmod(0o777)
    with pytest.raises(SecretLoadError, match="others may replace files"):
        world.open({"one": f"file:{mounted}"})
    mounted.parent.chmod(0o1777)
    assert world.open({"one": f"file:{mounted}"})["one"]


@pytest.mark.root
def test_a_file_of_another_user_is_refused(world: World, mounted: Path) -> None:
    os.chown(mounted, 12345, 12345)
    with pytest.raises(SecretLoadError, match="belongs to another user"):
        world.open({"one": f"file:{mounted}"})


def test_pipes_folders_and_what_is_not_there_are_refused_at_once(world: World, mounted: Path) -> None:
    os.mkfifo(mounted.with_name("pipe"), 0o600)
    for name, told in (
        ("pipe", "not a regular file"),
        ("", "not a regular file"),
        ("nothing", "there is no file"),
        ("payments/x", "there is no file"),
    ):
        with pytest.raises(SecretLoadError, match=told):
            world.open({"one": f"file:{mounted.parent}/{name}".rstrip("/")})


def test_a_file_that_is_empty_or_too_large_is_refused(world: World, mounted: Path) -> None:
    for content, told in (
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"x" * 65537, "larger than 64 KiB"),
        (b"x" * 10_000_000, "larger than 64 KiB"),
    ):
        mounted.write_bytes(content)
        with pytest.raises(SecretLoadError, match=told):
            world.open({"one": f"file:{mounted}"})
    for end in (b"", b"\n", b"\r\n"):
        mounted.write_bytes(b"x" * 65536 + end)
        assert len(world.open({"one": f"file:{mounted}"})["one"]) == 65536


@given(st.binary(max_size=300))
def test_any_content_is_its_value(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("any") / "secret"
    file.write_bytes(content)
    file.chmod(0o600)
    wanted = content[:-2] if content.endswith(b"\r\n") else content[:-1] if content.endswith(b"\n") else content
    try:
        found = FileBackend().read(str(file)).text
    except FetchError:
        assert not wanted
    else:
        assert found is not None
        assert found.reveal_bytes() == wanted


@pytest.mark.feature("F19")
def test_an_env_file_is_read_in_mode_dev_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("PAYMENTS_KEY=from-dot-env\n")
    config = {"STOPPER_SECRETS": {"payments": "env:PAYMENTS_KEY"}}
    assert open_secrets({**config, "STOPPER_MODE": "dev"}, {})["payments"].reveal() == "from-dot-env"
    assert open_secrets(config, {"STOPPER_MODE": "dev"})["payments"].reveal() == "from-dot-env"
    assert open_secrets({**config, "STOPPER_MODE": "dev"}, {"PAYMENTS_KEY": "real"})["payments"].reveal() == "real"
    for environ in ({}, {"STOPPER_MODE": "prod"}):
        with pytest.raises(SecretLoadError, match="mode dev only"):
            open_secrets(config, environ)


def test_the_lines_of_an_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        '\ufeff# a comment\n\nA=plain # told\nexport B = \' as $it \\n is \'\nC="two\\nlines \\"quoted\\" $X"\nD=a#b\nE=\nA=last\r\n'
    )
    found = {name: value.reveal() for name, value in dotenv.read(tmp_path / ".env").items()}
    assert found == {"A": "last", "B": " as $it \\n is ", "C": 'two\nlines "quoted" $X', "D": "a#b"}
    assert dotenv.read(tmp_path / "none") == {}


@pytest.mark.parametrize("line", ["canary", "1A=canary", "A='canary", 'A="canary" x', "A B=canary", "=canary"])
def test_a_line_that_cannot_be_read_is_told_by_number_only(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(f"GOOD=canary-too\n{line}\n")
    with pytest.raises(FetchError, match=r"line 2 of \.env is not NAME=value") as refused:
        dotenv.read(tmp_path / ".env")
    assert "canary" not in with_locals(refused.value)


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True),
        st.text(
            st.characters(exclude_characters="\n\r\x1c\x1d\x1e\x85\u2028\u2029", exclude_categories=("Cs",)),
            min_size=1,
            max_size=30,
        ),
        max_size=5,
    )
)
def test_what_is_written_in_double_quotes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, str]
) -> None:
    file = tmp_path_factory.mktemp("env") / ".env"
    lines = [
        f'{name}="{value.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"'
        for name, value in values.items()
    ]
    file.write_bytes("\n".join(lines).encode())
    assert {name: value.reveal() for name, value in dotenv.read(file).items()} == values


@given(st.binary(max_size=200))
def test_any_bytes_are_an_env_file_or_a_refusal(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("env") / ".env"
    file.write_bytes(content)
    cause = "malformed"
    try:
        dotenv.read(file)
    except FetchError as refusal:
        cause = refusal.cause
    assert cause == "malformed"


@pytest.mark.feature("F19")
def test_two_declared_versions_hold_until_the_date(world: World) -> None:
    world.wall.now = 1_796_083_200.0 - 10  # 2026-12-01T00:00:00Z
    environ = {"NEW": "the-new-one", "OLD": "the-old-one"}
    found = world.open(
        {"hook": {"current": "env:NEW", "previous": "env:OLD", "previous_until": "2026-12-01T00:00:00Z"}},
        access=Access(environ),
    )
    assert found.verify("hook", "the-new-one") == "current"
    assert found.verify("hook", b"the-old-one") == "previous"
    world.forward(10)
    with pytest.raises(InvalidCredentialError) as refused:
        found.verify("hook", "the-old-one")
    assert "the-old-one" not in with_locals(refused.value)
    del environ["OLD"]
    later = World()
    later.wall.now = world.wall.now
    assert later.open(
        {"hook": {"current": "env:NEW", "previous": "env:OLD", "previous_until": 1_796_083_200}}, access=Access(environ)
    )["hook"]


def test_comparing_costs_the_same_whichever_is_right(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[int, int]] = []
    real = hmac.compare_digest

    def counted(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return real(one, other)

    monkeypatch.setattr("stopper.secrets.versions.hmac.compare_digest", counted)
    found = world.open({"a": "env:A"}, access=Access({"A": "a-value-to-compare"}))
    for shown in ("a-value-to-compare", "", "x", "x" * 5000):
        compared.clear()
        with contextlib.suppress(InvalidCredentialError):
            found.verify("a", shown)
        assert compared == [(32, 32)] * 2


def test_a_variable_that_changes_is_seen_when_due(world: World) -> None:
    environ = {"A": "first-value"}
    found = world.open({"a": "env:A"}, access=Access(environ), pace=Pace(refresh=60))
    environ["A"] = "other-value"
    assert found["a"].reveal() == "first-value"
    assert 0 < found.next_due() <= 60
    world.forward(60)
    assert found.next_due() == 0
    found.renew_due()
    assert found["a"].reveal() == "other-value"


def test_a_file_taken_away_keeps_its_value_to_the_end_of_its_life(world: World, mounted: Path) -> None:
    found = world.open({"a": f"file:{mounted}"}, pace=Pace(refresh=60, keep=300))
    mounted.unlink()
    world.forward(120)
    assert found["a"].reveal() == "from-a-file"
    world.forward(200)
    with pytest.raises(SecretUnavailableError, match="there is no file"):
        _ = found["a"]


def test_a_member_taken_out_of_a_document_is_refused(world: World, mounted: Path) -> None:
    mounted.write_text('{"a": "first", "b": "second"}')
    found = world.open({"a": f"file:{mounted}#a", "b": f"file:{mounted}#b"}, pace=Pace(refresh=60))
    mounted.write_text('{"b": "second"}')
    world.forward(60)
    assert found["b"].reveal() == "second"
    with pytest.raises(SecretUnavailableError, match="no member 'a'"):
        _ = found["a"]


def test_a_forked_child_reads_and_ends_by_itself(mounted: Path) -> None:
    found = Secrets({"a": f"file:{mounted}"}, pace=Pace(refresh=0.0))
    held = found._held["file", str(mounted)]
    assert held._lock.acquire()  # a thread of the parent that is just asking
    child = os.fork()
    if child == 0:
        try:
            good = found["a"].reveal() == "from-a-file"
        finally:
            os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    held._lock.release()
    found.close()
