"""A loaded secret is nowhere in clear: config, repr, JSON, pickles, templates, the shell, crash reports, logs, a core of the process's own dumps."""

import copy
import io
import json
import logging
import os
import pickle
import pprint
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, render_template_string
from tests.secrets.crash import with_locals

from stopper import InvalidCredentialError, Secret, Stopper, public
from stopper.core.log_redaction import install
from stopper.core.redactor import mask
from stopper.secrets import Secrets, open_secrets

CANARY = "canary-51f0c2ab77"
DECLARED = {"payments": "env:PAYMENTS_KEY", "members": "env:JSON_KEY#inner"}


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Secrets:
    monkeypatch.setenv("PAYMENTS_KEY", CANARY)
    monkeypatch.setenv("JSON_KEY", json.dumps({"inner": CANARY}))
    return open_secrets({"STOPPER_SECRETS": DECLARED})


def _pickled(value: object) -> str:
    try:
        return pickle.dumps(value).decode("latin-1")
    except (TypeError, AttributeError) as refusal:
        return str(refusal)


def _as_json(value: object) -> str:
    try:
        return json.dumps(value)
    except TypeError as refusal:
        return str(refusal)


def _copied(value: object) -> str:
    try:
        return repr(copy.deepcopy(value))
    except TypeError as refusal:
        return str(refusal)


SHOWN: dict[str, Callable[[object], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda value: f"{value} {value!r} {value!s}",
    "percent": lambda value: "%s %r" % (value, value),  # noqa: UP031 - it is one of the ways
    "pprint": pprint.pformat,
    "json": _as_json,
    "json with str": lambda value: json.dumps(value, default=str),
    "json with repr": lambda value: json.dumps(value, default=repr),
    "pickle": _pickled,
    "deepcopy": _copied,
    "vars": lambda value: repr(getattr(value, "__dict__", "")),
    "dir": lambda value: " ".join(
        repr(getattr(value, name))
        for name in dir(value)
        if not name.startswith("_") and name not in ("close", "reveal", "reveal_bytes")
    ),
}


def test_the_crash_reporter_of_these_tests_sees_locals() -> None:
    names: dict[str, Callable[[], None]] = {}
    code = "def fails():\n    clear = 'canary-in-a-local'\n    raise RuntimeError\n"
    exec(compile(code, "library.py", "exec"), names)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError) as seen:
        names["fails"]()
    assert "canary-in-a-local" in with_locals(seen.value)


@pytest.mark.feature("F19")
@pytest.mark.parametrize("way", SHOWN)
def test_no_way_of_showing_shows_it(secrets: Secrets, way: str) -> None:
    held = secrets._held["env", "PAYMENTS_KEY"]
    for value in (
        secrets,
        secrets["payments"],
        secrets["members"],
        secrets.versions("payments"),
        secrets.document("members"),
        held,
    ):
        assert CANARY not in SHOWN[way](value)


@pytest.mark.feature("F19")
def test_it_is_not_in_app_config_nor_in_a_template(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYMENTS_KEY", CANARY)
    app = Flask(__name__)
    app.config.update(STOPPER_SECRETS={"payments": "env:PAYMENTS_KEY"}, STOPPER_MODE="dev")
    stopper = Stopper(app)

    @app.get("/")
    @public
    def page() -> str:
        return render_template_string(
            "{{ config }} {{ config|pprint }} {{ s }} {{ s|string }} {{ s|safe }} {{ s ~ '' }} {{ '%s'|format(s) }} {{ s|pprint }} {{ '' if s|length }}"
            "{{ all }} {{ all.payments }} {{ all['payments'] }} {{ all|list|join }} {{ s|urlencode }} {{ s|e }} {{ s|forceescape }}",
            s=stopper.secrets["payments"], all=stopper.secrets,
        )  # fmt: skip

    assert stopper.secrets["payments"].reveal() == CANARY
    assert CANARY not in app.test_client().get("/").get_data(as_text=True)
    assert CANARY not in repr(app.config) + repr(app.__dict__) + pprint.pformat(dict(app.config))
    assert CANARY not in repr(app.extensions)


def test_a_wrong_guess_is_in_no_crash_report(secrets: Secrets) -> None:
    for verify in (secrets.versions("payments").verify, lambda shown: secrets.verify("payments", shown)):
        with pytest.raises(InvalidCredentialError) as refused:
            verify("guess-77aa0b" + CANARY)
        assert "guess-77aa0b" not in with_locals(refused.value)
        assert CANARY not in with_locals(refused.value)


def test_a_template_that_makes_json_of_it_fails_and_shows_nothing(secrets: Secrets) -> None:
    app = Flask(__name__)
    with app.app_context(), pytest.raises(TypeError) as refused:
        render_template_string("{{ s|tojson }}", s=secrets["payments"])
    assert CANARY not in with_locals(refused.value)


APP = """
from flask import Flask
from stopper import Stopper, public
app = Flask(__name__)
app.config.update(STOPPER_SECRETS={"payments": "env:PAYMENTS_KEY"}, STOPPER_MODE="dev")
stopper = Stopper(app)
"""
TYPED = """
from shop import stopper
stopper
stopper.secrets
stopper.secrets["payments"]
stopper.secrets.versions("payments")
stopper.secrets.document("payments")
app.config
app.extensions
{**app.config}
vars(stopper)
vars(stopper.secrets)
stopper.secrets["nothing"]
stopper.secrets["payments"] + "x"
"""


@pytest.mark.feature("F19")
def test_flask_shell_shows_nothing(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "shop", "shell"], input=TYPED, text=True, capture_output=True, cwd=tmp_path,
        env={**os.environ, "PAYMENTS_KEY": CANARY, "PYTHONPATH": str(tmp_path)}, timeout=60, check=False,
    )  # fmt: skip
    out = done.stdout + done.stderr
    assert "Secrets(payments)" in out
    assert "KeyError" in out
    assert CANARY not in out


CRASH = """
import faulthandler, logging, sys, traceback
from stopper.secrets import Secrets
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
secrets = Secrets({"payments": "env:PAYMENTS_KEY", "file": "file:" + sys.argv[1]})

def view():
    key = secrets["payments"]
    versions = secrets.versions("payments")
    logging.warning("key %s of %r and %s", key, versions, secrets)
    print(key, versions, secrets, vars(secrets))
    raise RuntimeError(key, secrets["file"])

try:
    view()
except RuntimeError as wrong:
    print(repr(wrong), wrong.args)
    sys.stdout.write("".join(traceback.TracebackException.from_exception(wrong, capture_locals=True).format()))
    logging.exception("it failed")
faulthandler.dump_traceback(all_threads=True)
view()
"""


@pytest.mark.feature("F19")
def test_a_crash_dumps_nothing(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(CANARY + "-of-a-file")
    file.chmod(0o600)
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", CRASH, str(file)], text=True, capture_output=True,
        env={**os.environ, "PAYMENTS_KEY": CANARY}, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "RuntimeError: (Secret(***), Secret(***))" in done.stderr
    assert CANARY not in done.stdout + done.stderr


def test_a_log_line_with_the_revealed_value_is_masked(secrets: Secrets) -> None:
    install()
    stream = io.StringIO()
    logger = logging.getLogger("tests.secrets.no_leak")
    handler = logging.StreamHandler(stream)
    logger.addHandler(handler)
    try:
        logger.warning("sent %s", secrets["payments"].reveal())
    finally:
        logger.removeHandler(handler)
    assert CANARY not in stream.getvalue()
    assert CANARY not in mask(f"https://api.example/?key={CANARY}")


@pytest.mark.feature("F19")
@pytest.mark.parametrize("reference", ["env:SETTING", "secret:pepper"])
def test_a_setting_may_be_a_reference(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reference: str) -> None:
    value = Secret("9f1c07ab5e2d48b36a0e7734bd1f59c28c4430e5f2a7d96b1b08c3e74f65d92a").reveal()
    monkeypatch.setenv("SETTING", value)
    app = Flask(__name__, instance_path=str(tmp_path))
    app.config.update(
        STOPPER_SECRETS={"pepper": "env:SETTING"},
        STOPPER_API_KEY_PEPPER=reference,
        STOPPER_DATABASE_URL=f"sqlite:///{tmp_path}/x.db",
    )
    Stopper(app)
    guard = app.extensions["stopper"]
    from stopper.extension import settings as setting

    found = guard.settings.get(setting.API_KEY_PEPPER)
    assert found is not None
    assert found.reveal() == value
    assert value not in repr(app.config)
    assert app.config["STOPPER_API_KEY_PEPPER"] == reference


def test_a_setting_whose_reference_leads_nowhere_stops_the_start(tmp_path: Path) -> None:
    from stopper.core.errors import SettingError

    for reference, told in (
        ("env:NOT_THERE_AT_ALL", "NOT_THERE_AT_ALL is not set"),
        ("secret:other", "STOPPER_SECRETS declares no other"),
        (f"file:{tmp_path}/nothing", "there is no file"),
        ("vault:kv/x#key", "STOPPER_VAULT_URL"),
    ):
        app = Flask(__name__)
        app.config["STOPPER_API_KEY_PEPPER"] = reference
        with pytest.raises(SettingError) as refused:
            Stopper(app)
        assert told in str(refused.value)
        assert "STOPPER_API_KEY_PEPPER" in str(refused.value)
        assert "\n" not in str(refused.value)


def test_a_reference_that_nobody_resolves_is_never_taken_for_the_secret() -> None:
    from stopper.core.errors import SettingError
    from stopper.core.settings import Settings
    from stopper.extension import settings as setting

    with pytest.raises(SettingError, match="is a reference, and nothing here resolves it"):
        Settings({"STOPPER_API_KEY_PEPPER": "file:/run/secrets/pepper"}, {}).get(setting.API_KEY_PEPPER)


def test_secrets_by_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {
        "STOPPER_SECRETS": '{"payments": "env:PAYMENTS_KEY"}',
        "PAYMENTS_KEY": CANARY,
        "STOPPER_ISSUER": "https://a.example",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_secrets({}, environ)["payments"].reveal() == CANARY


def test_a_misspelt_setting_of_this_part_is_refused() -> None:
    from stopper.core.errors import SettingError

    with pytest.raises(SettingError, match="did you mean STOPPER_SECRETS"):
        open_secrets({"STOPPER_SECRET": {}}, {})


def test_using_it_alone_loads_no_library_of_the_clouds() -> None:
    script = (
        "import sys; from stopper.secrets import Secrets;"
        "print([n for n in ('flask', 'sqlalchemy', 'boto3', 'azure', 'google', 'urllib3', 'cryptography') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
