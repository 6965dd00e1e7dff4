"""Files that ``app.config`` is filled from: their settings are facts like those of a class."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stopper.core.facts import source_of
from stopper.scan.source import parsed_files
from stopper.scan.source.read import read_source
from stopper.scan.source.settings_files import MOST_PARTS

HEAD = "from flask import Flask\napp = Flask(__name__)\n"


def _written(root: Path, key: str) -> list[tuple[object, str, int]]:
    facts = source_of(read_source((root,), root).app)
    return [
        (getattr(write.value, "value", None), write.span.path, write.span.line) for write in facts.config_writes(key)
    ]


@pytest.mark.parametrize(
    ("call", "path", "text"),
    [
        ("from_pyfile('settings.cfg')", "settings.cfg", "# mine\nDEBUG = True\n"),
        ("from_pyfile('app.cfg', silent=True)", "instance/app.cfg", "# mine\nDEBUG = True\n"),
        ("from_pyfile('../conf/prod.cfg')", "conf/prod.cfg", "# mine\nDEBUG = True\n"),
        ("from_file('config.json', load=json.load)", "config.json", '{\n"DEBUG": true}'),
        ("from_json('app.json')", "app.json", '{\n"DEBUG": true}'),
        ("from_file('app.toml', load=tomllib.load, text=False)", "instance/app.toml", "# mine\nDEBUG = true\n"),
        ("from_file('settings.yml', yaml.safe_load)", "settings.yml", "# mine\nDEBUG: on\n"),
        ("from_file(os.environ.get('S', 'config.yaml'), yaml.safe_load)", "config.yaml", "# mine\nDEBUG: yes\n"),
        (
            "from_file(HERE.parent / 'conf' / 'base.toml', tomllib.load, text=False)",
            "conf/base.toml",
            "#\nDEBUG = true\n",
        ),
        ("from_pyfile(os.path.join(HERE, 'conf', 'base.cfg'))", "conf/base.cfg", "#\nDEBUG = True\n"),
        ("from_file(f\"conf/{os.getenv('S', 'live')}.json\", load=json.load)", "conf/live.json", '{\n"DEBUG": true}'),
        ("update(json.loads((HERE / 'conf' / 'a.json').read_text()))", "conf/a.json", '{\n"DEBUG": true}'),
        ("update(yaml.safe_load(open('config.yml')))", "config.yml", "# DEBUG: no\nDEBUG: on\n"),
        ("from_mapping(json.load(open('config.json'))['flask'])", "config.json", '{"flask": {\n"DEBUG": true}}'),
        ("from_pyfile('plain.py')", "plain.py", "# nothing here speaks of a web application\nDEBUG = True\n"),
        ("from_pyfile('own.py')", "instance/own.py", "# nothing here speaks of a web application\nDEBUG = True\n"),
    ],
)
def test_a_setting_of_a_loaded_file_is_a_fact_at_its_line(tmp_path, call, path, text):
    (tmp_path / "app.py").write_text(f"import json, os, yaml\n{HEAD}app.config.{call}\n")
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text(text)
    assert _written(tmp_path, "DEBUG") == [(True, path, 2)]


def test_a_file_that_nobody_loads_says_nothing(tmp_path):
    (tmp_path / "app.py").write_text(HEAD + "app.config.from_pyfile('settings.cfg')\n")
    (tmp_path / "other.cfg").write_text("DEBUG = True\n")
    (tmp_path / "my_settings.cfg").write_text("DEBUG = True\n")
    assert _written(tmp_path, "DEBUG") == []


def test_small_names_are_no_settings(tmp_path):
    (tmp_path / "app.py").write_text(HEAD + "app.config.from_file('config.json', load=json.load)\n")
    (tmp_path / "config.json").write_text(json.dumps({"debug": True, "not a name": 1, "LIMIT": [1, {"A": None}]}))
    assert _written(tmp_path, "debug") == []
    assert [at[1:] for at in _written(tmp_path, "LIMIT")] == [("config.json", 1)]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from(["cfg", "json", "toml", "yaml"]))
@example(b"[" * 100_000, "json")
@example(b"A = " + b"(" * 100_000, "cfg")
@example(b"A: &a [*a]", "yaml")
@example(
    b"A: &a0 [x]\n"
    + b"".join(b"A%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 20)),
    "yaml",
)
@example(b"A: &a [x]\nB: *a\nC: 2001-01-01", "yaml")
@example(b"A = 1979-05-27\nB = inf", "toml")
@example(b'{"A": NaN, "B": 1e999}', "json")
def test_no_bytes_of_a_loaded_file_break_the_reading(tmp_path, data, ending):
    parsed = f"import yaml\napp.config.update(yaml.load(open('config.{ending}')))\n"
    (tmp_path / "app.py").write_text(HEAD + f"app.config.from_file('config.{ending}', load)\n" + parsed)
    (tmp_path / f"config.{ending}").write_bytes(data)
    read_source((tmp_path,), tmp_path)
    (tmp_path / f"config.{ending}").unlink()


def test_settings_of_tests_and_of_other_folders_are_not_the_applications(tmp_path):
    for folder in ("shop", "tests", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "settings.cfg").write_text(f"DEBUG = {folder != 'shop'}\n")
    (tmp_path / "shop/__init__.py").write_text(HEAD + "app.config.from_pyfile('settings.cfg')\n")
    (tmp_path / "tests/conftest.py").write_text("from shop import app\napp.config.from_pyfile('settings.cfg')\n")
    assert _written(tmp_path, "DEBUG") == [(False, "shop/settings.cfg", 1)]


def test_a_comment_and_a_longer_name_are_not_the_place_of_a_setting(tmp_path):
    (tmp_path / "app.py").write_text(HEAD + "app.config.from_file('config.yaml', load=yaml.safe_load)\n")
    (tmp_path / "config.yaml").write_text("# DEBUG is off\nOTHER_DEBUG: false\nDEBUG: true\n")
    assert _written(tmp_path, "DEBUG") == [(True, "config.yaml", 3)]


@pytest.mark.parametrize("odd", ["!!int ''", "!!float ''", "!!bool foo", "!!timestamp foo"])
def test_what_a_parser_stumbles_over_ends_no_check(tmp_path, odd):
    (tmp_path / "app.py").write_text(HEAD + "app.config.from_file('config.yaml', load=yaml.safe_load)\n")
    (tmp_path / "config.yaml").write_text(f"DEBUG: {odd}\n")
    assert _written(tmp_path, "DEBUG") == []


def test_a_mark_of_the_byte_order_hides_no_settings(tmp_path):
    (tmp_path / "app.py").write_text(HEAD + "app.config.from_pyfile('settings.cfg')\n")
    (tmp_path / "settings.cfg").write_bytes(b"\xef\xbb\xbfDEBUG = True\n")
    assert [said[0] for said in _written(tmp_path, "DEBUG")] == [True]


def test_of_a_large_file_no_more_lines_are_looked_for_than_parts_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A configuration of 20,000 keys took a minute and a half."""
    (tmp_path / "app.py").write_text(f"import json\n{HEAD}app.config.update(json.load(open('config.json')))\n")
    (tmp_path / "config.json").write_text(json.dumps({f"KEY_{number}": "x" for number in range(5_000)}, indent=1))
    looked: list[str] = []
    found = parsed_files._line
    monkeypatch.setattr(parsed_files, "_line", lambda text, key, begin: looked.append(key) or found(text, key, begin))
    read_source((tmp_path,), tmp_path)
    assert 0 < len(looked) <= MOST_PARTS


@pytest.mark.parametrize("given", ["", ", settings_files=['settings.toml', '.secrets.toml']"])
def test_dynaconf_fills_the_config_from_the_sections_that_are_served(read, given: str):
    said = read({
        "app.py": f"from dynaconf import FlaskDynaconf\nfrom flask import Flask\napp = Flask('x')\nFlaskDynaconf(app{given})\n",
        "settings.toml": "[default]\nSESSION_COOKIE_SECURE = true\n[development]\nDEBUG = true\n",
        ".secrets.toml": '[production]\nSECRET_KEY = "q8Zr2VbT6mXw4LpN"\n',
    })  # fmt: skip
    writes = {one.key: (one.span.path, one.span.line, one.loaded) for one in source_of(said.app).config_writes()}
    assert writes == {"SESSION_COOKIE_SECURE": ("settings.toml", 2, True), "SECRET_KEY": (".secrets.toml", 2, True)}
