"""Settings are seen however they are written, and whether they are loaded."""

import pytest

from stopper.core.deployment.setting_facts import settings_out_of_sight
from stopper.core.facts import source_of
from stopper.core.values import Constant, EnvironmentValue, is_constant, text_of

HEAD = "from flask import Flask\napp = Flask(__name__)\n"


def written(reading, key: str) -> list[object]:
    """The literal values written to that setting."""
    return [
        write.value.value for write in source_of(reading.app).config_writes(key) if isinstance(write.value, Constant)
    ]


@pytest.mark.parametrize(
    "line",
    [
        "app.config['DEBUG'] = True",
        "app.config.update({'DEBUG': True})",
        "app.config.update(DEBUG=True)",
        "app.config.update(dict(DEBUG=True))",
        "app.config.from_mapping(DEBUG=True)",
        "app.config.from_mapping({'DEBUG': True})",
        "app.config.setdefault('DEBUG', True)",
        "app.debug = True",
        "c = app.config\nc['DEBUG'] = True",
        "def f():\n    app.config['DEBUG'] = True",
        "from flask import current_app\ndef f():\n    current_app.config['DEBUG'] = True",
        "def init(app):\n    app.config['DEBUG'] = True",
        "class Wrap:\n    def __init__(self, app):\n        self.app = app\n        self.app.config['DEBUG'] = True",
        "K = 'DEBUG'\napp.config[K] = True",
    ],
)
def test_a_setting_written_in_any_way(read, line):
    assert written(read(HEAD + line + "\n"), "DEBUG") == [True]


def test_the_secret_key_attribute_is_the_setting(read):
    (write,) = source_of(read(HEAD + "app.secret_key = 'k1'\n").app).config_writes("SECRET_KEY")
    assert (write.how, text_of(write.value), write.span.line) == ("attribute", "k1", 3)


def test_the_value_keeps_the_place_of_the_literal(read):
    reading = read(
        {"keys.py": "\n\nKEY = 'k1'\n", "app.py": "from keys import KEY\n" + HEAD + "app.config['SECRET_KEY'] = KEY\n"}
    )
    (write,) = source_of(reading.app).config_writes("SECRET_KEY")
    assert (write.span.path, write.value.span.path, write.value.span.line) == ("app.py", "keys.py", 3)


def test_a_loaded_class(read):
    (write,) = source_of(read("class C:\n    DEBUG = True\n" + HEAD + "app.config.from_object(C)\n").app).config_writes(
        "DEBUG"
    )
    assert (write.how, write.owner, write.loaded) == ("class", "app.C", True)


def test_a_loaded_class_brings_the_settings_of_its_base(read):
    reading = read("class B:\n    DEBUG = True\nclass C(B):\n    pass\n" + HEAD + "app.config.from_object(C)\n")
    assert [write.loaded for write in source_of(reading.app).config_writes("DEBUG")] == [True]


def test_a_class_loaded_by_its_text(read):
    reading = read(
        {
            "conf/__init__.py": "",
            "conf/prod.py": "class Prod:\n    DEBUG = True\n",
            "app.py": HEAD + "app.config.from_object('conf.prod.Prod')\nimport conf.prod\n",
        }
    )
    assert [write.loaded for write in source_of(reading.app).config_writes("DEBUG")] == [True]


@pytest.mark.parametrize("text", ["'conf.Prod'", "os.getenv('C', 'conf.Prod')", "f'conf.{os.environ[\"C\"]}'"])
def test_a_module_that_only_a_text_names_is_read(read, text):
    """Nothing in it speaks of Flask or tokens, so it would not be read for its own sake."""
    reading = read(
        {"conf.py": "class Prod:\n    LIFE = 7\n", "app.py": f"import os\n{HEAD}app.config.from_object({text})\n"}
    )
    assert [write.value.value for write in source_of(reading.app).config_writes("LIFE")] == [7]


def test_classes_chosen_from_a_table_are_all_loaded(read):
    reading = read(
        "import os\nclass A:\n    DEBUG = True\nclass B:\n    DEBUG = False\nC = {'a': A, 'b': B}\n"
        + HEAD
        + "app.config.from_object(C[os.environ['E']])\n"
    )
    assert {(write.owner, write.loaded) for write in source_of(reading.app).config_writes("DEBUG")} == {
        ("app.A", True),
        ("app.B", True),
    }


def test_a_config_class_that_is_seen_not_to_be_loaded(read):
    reading = read(
        "class DevConfig:\n    DEBUG = True\nclass Prod:\n    DEBUG = False\n" + HEAD + "app.config.from_object(Prod)\n"
    )
    loaded = {write.owner: write.loaded for write in source_of(reading.app).config_writes("DEBUG")}
    assert loaded == {"app.DevConfig": False, "app.Prod": True}


def test_a_config_class_that_may_be_loaded_is_unknown(read):
    reading = read("class DevConfig:\n    DEBUG = True\n" + HEAD + "def make(c):\n    app.config.from_object(c)\n")
    assert [write.loaded for write in source_of(reading.app).config_writes("DEBUG")] == [None]


def test_a_settings_module_that_is_loaded(read):
    reading = read(
        {
            "settings.py": "DEBUG = True\nimport os\n",
            "app.py": HEAD + "import settings\napp.config.from_object(settings)\n",
        }
    )
    assert written(reading, "DEBUG") == [True]


def test_a_settings_file_that_is_loaded(read):
    reading = read(
        {"settings.py": "DEBUG = True\nSECRET_KEY = 'k1'\n", "app.py": HEAD + "app.config.from_pyfile('settings.py')\n"}
    )
    assert written(reading, "SECRET_KEY") == ["k1"]


def test_a_class_that_has_nothing_to_do_with_config(read):
    assert written(read("class Colour:\n    DEBUG = True\n" + HEAD), "DEBUG") == []


def test_a_setting_from_the_environment_keeps_its_default(read):
    (write,) = source_of(
        read("import os\n" + HEAD + "app.config['SECRET_KEY'] = os.environ.get('K', 'dev')\n").app
    ).config_writes("SECRET_KEY")
    assert isinstance(write.value, EnvironmentValue)
    assert is_constant(write.value.default, "dev")


def test_settings_in_tests_are_left_out_unless_asked_for(read):
    facts = source_of(read({"tests/conftest.py": HEAD + "app.config['SECRET_KEY'] = 'k'\n"}).app)
    assert (len(list(facts.config_writes("SECRET_KEY"))), len(list(facts.config_writes("SECRET_KEY", tests=True)))) == (
        0,
        1,
    )


def test_suppressions_speak_of_their_line_or_the_next(read):
    text = (
        HEAD
        + "app.debug = True  # stopper: ignore[debug-enabled-in-config] local only until=2030-01-31\n# stopper: ignore[a, b] both\n\napp.run()\n"
    )
    found = source_of(read(text).app).suppressions
    assert [(one.slug, one.line, one.reason, one.until) for one in found] == [
        ("debug-enabled-in-config", 3, "local only", "2030-01-31"), ("a", 6, "both", None), ("b", 6, "both", None),
    ]  # fmt: skip


def test_a_bare_suppression_is_seen_as_one(read):
    (found,) = source_of(read(HEAD + "app.run()  # stopper: ignore\n").app).suppressions
    assert (found.slug, found.reason) == ("", "")


def test_a_suppression_inside_a_text_is_none(read):
    assert source_of(read(HEAD + "x = '# stopper: ignore[a] b'\n").app).suppressions == ()


@pytest.mark.parametrize(
    ("name", "text", "version"),
    [
        ("requirements.txt", "# c\nPyJWT[crypto]==2.8.0 ; python_version > '3'\n-r other.txt\n", "2.8.0"),
        ("requirements-dev.txt", "pyjwt>=2.0,<3\n", "2.0"),
        ("pyproject.toml", "[project]\ndependencies = ['PyJWT>=2.1']\n", "2.1"),
        ("pyproject.toml", "[tool.poetry.dependencies]\npython = '^3.11'\nPyJWT = '^2.2'\n", "2.2"),
        ("poetry.lock", "[[package]]\nname = 'pyjwt'\nversion = '2.3.0'\n", "2.3.0"),
        ("uv.lock", "[[package]]\nname = 'pyjwt'\nversion = '2.4.0'\n", "2.4.0"),
        ("uv.lock", '[[package]]\nname = "pyjwt"\nversion = "2.5.0"\nsource = { registry = "x" }\n', "2.5.0"),
        ("uv.lock", '[[package]]\nname = "shop"\n\n[[package]]\nname = "pyjwt"\nversion = "2.6.0"\n', "2.6.0"),
        ("Pipfile.lock", '{"default": {"pyjwt": {"version": "==2.5.0"}}}', "2.5.0"),
        ("Pipfile", "[packages]\npyjwt = '==2.6.0'\n", "2.6.0"),
    ],
)
def test_versions_of_dependencies(read, name, text, version):
    assert read({name: text, "app.py": ""}).app.dependencies["pyjwt"] == version


def test_a_locked_version_beats_a_bound(read):
    files = {
        "requirements.txt": "Flask-Cors>=3\n",
        "poetry.lock": "[[package]]\nname = 'flask_cors'\nversion = '6.0.0'\n",
    }
    assert read(files).app.dependencies == {"flask-cors": "6.0.0"}


def test_a_broken_lock_file_is_no_dependency(read):
    assert read({"poetry.lock": "[[[", "Pipfile.lock": "{", "pyproject.toml": "=", "app.py": ""}).app.dependencies == {}


def test_files_beside_the_code(read):
    reading = read({
        ".env": "A=1\n", "Dockerfile": "FROM x\n", "docker-compose.yml": "a: 1\n", ".github/workflows/ci.yml": "a: 1\n", "Procfile": "web: x\n",
        "templates/a.html": "<a>", "k.pem": "-----BEGIN", "app.py": "", "notes.txt": "x",
    })  # fmt: skip
    assert {one.kind for one in source_of(reading.app).text_files} == {
        "env",
        "dockerfile",
        "compose",
        "workflow",
        "procfile",
        "template",
        "key",
    }


@pytest.mark.parametrize(
    "named",
    [
        "os.environ.get('APP_SETTINGS', 'conf.stages.Prod')",
        "os.getenv('APP_SETTINGS') or 'conf.stages.Prod'",
        "f\"conf.stages.{os.environ['STAGE']}\"",
    ],
)
def test_a_class_that_the_environment_may_name_is_loaded(read, named):
    reading = read(
        {
            "api/conf/stages.py": "class Prod:\n    SECRET_KEY = 'prod'\n",
            "api/app.py": f"import os\nfrom flask import Flask\napp = Flask(__name__)\napp.config.from_object({named})\n",
        }
    )
    (write,) = reading.app.source.config_writes("SECRET_KEY")
    assert (write.owner, write.loaded) == ("stages.Prod", True)


@pytest.mark.parametrize(
    ("made", "owner"),
    [
        ("def create_app(config='conf.Base'):\n    app = Flask(__name__)\n    app.config.from_object(config)\n", "conf.Base"),
        ("def create_app(config=None):\n    app = Flask(__name__)\n    app.config.from_object(config or Prod)\n", "conf.Prod"),
        (
            "def create_app(config):\n    app = Flask(__name__)\n    app.config.from_object(config)\ncreate_app(Prod())\n",
            "conf.Prod",
        ),
    ],
)  # fmt: skip
def test_a_class_that_a_factory_is_given_is_loaded_and_in_sight(read, made, owner):
    files = {
        "conf.py": "class Base:\n    A = 1\nclass Prod:\n    A = 2\n",
        "app.py": f"from flask import Flask\nfrom conf import Base, Prod\n{made}",
    }
    app = read(files).app
    assert owner in [write.owner for write in app.source.config_writes("A") if write.loaded]
    assert not settings_out_of_sight(app, "B")


@pytest.mark.parametrize("how", ["from_object(found)", "from_pyfile('x.cfg')", "from_prefixed_env()"])
def test_settings_that_nobody_names_are_out_of_sight(read, how):
    files = {
        "conf.py": "class Config:\n    A = 1\n",
        "app.py": f"from flask import Flask\nfrom conf import Config\ndef create_app(found):\n"
        f"    app = Flask(__name__)\n    app.config.from_object(Config)\n    app.config.{how}\n",
    }
    assert settings_out_of_sight(read(files).app, "B")


@pytest.mark.parametrize("line", ["app.config.from_mapping(load())", "app.config.update(**load())"])
def test_settings_that_a_function_gives_back_are_written(read, line):
    reading = read(HEAD + f"def load():\n    return {{'DEBUG': True}}\n{line}\n")
    assert written(reading, "DEBUG") == [True]
    assert not settings_out_of_sight(reading.app, "SECRET_KEY")


def test_settings_read_from_a_file_into_a_mapping_are_out_of_sight(read):
    reading = read(HEAD + "import json\napp.config.from_mapping(json.load(open('c.json')))\n")
    assert settings_out_of_sight(reading.app, "SECRET_KEY")


def test_a_class_derived_from_flask_sets_its_own_settings(read):
    reading = read(
        "from flask import Flask\nclass App(Flask):\n    def __init__(self):\n        super().__init__('a')\n        self.secret_key = 'x'\n"
        "app = App()\n"
    )
    assert written(reading, "SECRET_KEY") == ["x"]
