"""How a setting gets to where it counts: through objects, classes, tables, mappings and loops. Each program sets SECRET_KEY in its own way."""

import pytest

from stopper.core.facts import source_of
from stopper.core.values import Constant, EnvironmentValue, Value, options

HEAD = "import os\nfrom flask import Flask\napp = Flask(__name__)\n"

WAYS = [
    "from types import SimpleNamespace\ns = SimpleNamespace(key='k1')\napp.secret_key = s.key",
    "from collections import namedtuple\nS = namedtuple('S', 'url key')\napp.secret_key = S('u', 'k1').key",
    "from dataclasses import dataclass, replace\n@dataclass\nclass S:\n    key: str = ''\napp.secret_key = replace(S(), key='k1').key",
    "class S:\n    def __init__(self, head):\n        self.head = head\n    @property\n    def key(self):\n        return self.head + '1'\ns = S('k')\napp.secret_key = s.key",
    "class B:\n    def __init__(self, key):\n        self.key = key\nclass S(B):\n    def __init__(self):\n        super().__init__('k1')\ns = S()\napp.secret_key = s.key",
    "from dataclasses import dataclass, field\n@dataclass\nclass S:\n    key: str = field(init=False)\n    def __post_init__(self):\n        self.key = 'k1'\ns = S()\napp.secret_key = s.key",
    "class A:\n    KEY = 'k1'\nclass B(A):\n    pass\napp.secret_key = {'a': A, 'b': B}[os.environ['STAGE']].KEY",
    "class F:\n    def key(self): ...\n    def build(self):\n        app.secret_key = self.key()\nclass G(F):\n    def key(self):\n        return 'k1'",
    "class V:\n    held = {'k': 'k1'}\n    @classmethod\n    def of(cls, name):\n        return cls.held[name]\napp.secret_key = V.of('k')",
    "raw = {'secret_key': 'k1', 'x': None}\napp.config.update({k.upper(): v for k, v in raw.items() if v is not None})",
    "raw = {'secret_key': 'k1'}\napp.config.update((k.upper(), v) for k, v in raw.items())",
    "for k, v in {'secret_key': 'k1', 'x': 1}.items():\n    app.config[k.upper()] = v",
    "app.config.update(dict(zip(('X', 'SECRET_KEY'), (1, 'k1'))))",
    "held = {'X': 1}\nheld |= {'SECRET_KEY': 'k1'}\napp.config.update(held)",
    "def make(held):\n    held = dict(held)\n    held.setdefault('SECRET_KEY', 'k1')\n    app.config.update(held)",
    "from collections import ChainMap\napp.secret_key = ChainMap({'A': 1}, {'SECRET_KEY': 'k1'})['SECRET_KEY']",
    "def pairs():\n    yield 'X', 1\n    yield 'SECRET_KEY', 'k1'\nfor k, v in pairs():\n    app.config[k] = v",
    "for name, value in {'secret_key': 'k1', 'testing': False}.items():\n    setattr(app, name, value)",
    "SOURCES = {'fixed': lambda: 'k1'}\napp.secret_key = SOURCES['fixed']()",
    "app.secret_key = 'key:k1'.removeprefix('key:')",
    "def make(settings):\n    app.config.update(settings)\nmake({'SECRET_KEY': 'k1'})",
    "def make(**settings):\n    app.config.from_mapping(settings)\nmake(SECRET_KEY='k1')",
    "class Live:\n    key = 'k1'\ndef make(settings):\n    app.secret_key = settings.key\nmake(Live())\nmake(Live())",
    "from enum import Enum\nclass K(Enum):\n    SESSION = 'k1'\napp.secret_key = K['SESSION'].value",
    "class Live:\n    SECRET_KEY = 'k1'\napp.config.update(vars(Live))",
    "app.secret_key = bytes([107, 49]).decode()",
    "class S:\n    held = None\n    def __init__(self):\n        self.key = 'k1'\n    @classmethod\n    def get(cls):\n        if cls.held is None:\n            cls.held = cls()\n        return cls.held\napp.secret_key = S.get().key",
    "class S(dict):\n    def __getattr__(self, name):\n        return self[name]\napp.secret_key = S(key='k1').key",
    "from pydantic import BaseModel\nclass S(BaseModel):\n    key: str\napp.secret_key = S.model_validate({'key': 'k1'}).key",
    "for layer in [{'X': 1}, {'SECRET_KEY': 'k1'}]:\n    app.config.update(layer)",
    "for name, (cast, held) in {'X': (int, '1'), 'SECRET_KEY': (str, 'k1')}.items():\n    app.config[name] = cast(held)",
    "app.secret_key = ''.join(chr(one) for one in [107, 49])",
    "app.secret_key = '1k'[::-1]",
    "def prefixed(head, held):\n    return {f'{head}_{k.upper()}': v for k, v in held.items()}\napp.config.update(prefixed('SECRET', {'key': 'k1'}))",
    "class Keys:\n    def key(self):\n        return 'k1'\nclass B:\n    def build(self):\n        app.secret_key = self.key()\nclass S(Keys, B):\n    pass",
    "from dataclasses import dataclass\n@dataclass\nclass S:\n    key: str = 'k1'\nclass C:\n    def __init__(self, settings):\n        app.secret_key = settings.key\nC(S())",
    "class Live:\n    KEY = 'k1'\nclass Beta:\n    KEY = 'k2'\ndef chosen():\n    if os.environ['STAGE'] == 'live':\n        return Live\n    return Beta\napp.secret_key = chosen().KEY",
    "from dataclasses import dataclass\n@dataclass\nclass S:\n    key: str = 'k1'\ndef make(settings=None):\n    settings = settings or S()\n    app.secret_key = settings.key\nmake()",
    "from dataclasses import dataclass, field\n@dataclass(frozen=True)\nclass S:\n    key: str = field(repr=False)\n    @classmethod\n    def load(cls):\n        return cls(key='k1')\n    def for_flask(self):\n        return {'SECRET_KEY': self.key}\ndef make(settings=None):\n    settings = settings or S.load()\n    app.config.from_mapping(settings.for_flask())\nmake()",
]  # fmt: skip


def keys(reading) -> list[Value]:
    """Every value that is written to SECRET_KEY."""
    return [one for value in source_of(reading.app).config_values("SECRET_KEY") for one in options(value)]


@pytest.mark.parametrize("way", WAYS)
def test_the_setting_is_the_literal(read, way):
    assert "k1" in [one.value for one in keys(read(f"{HEAD}{way}\n")) if isinstance(one, Constant)]


def test_what_is_written_over_is_not_the_setting(read):
    text = "base = {'SECRET_KEY': 'k1'}\napp.config.update({**base, 'SECRET_KEY': os.environ['K']})"
    assert not [one for one in keys(read(f"{HEAD}{text}\n")) if isinstance(one, Constant)]


def test_a_class_for_tests_is_not_picked_where_there_is_another(read):
    text = (
        "class Live:\n    KEY = os.environ['K']\nclass Testing:\n    KEY = 'k1'\n"
        "app.secret_key = {'live': Live, 'test': Testing}[os.environ['STAGE']].KEY"
    )
    assert not [one for one in keys(read(f"{HEAD}{text}\n")) if isinstance(one, Constant)]


def test_a_loop_over_classes_of_a_library_calls_each_with_its_own_row(read):
    text = "from a import B, C\nfor make, options in ((B, {'x': 1}), (C, {'y': 2})):\n    make(app, **options)"
    facts = source_of(read(f"{HEAD}{text}\n").app)
    assert [call.keywords[0][0] for call in facts.calls("a.B", "a.C")] == ["x", "y"]


def test_an_object_of_a_derived_class_is_made_by_the_base(read):
    text = (
        "class E(Exception):\n    def __init__(self, text):\n        super().__init__(text)\n        self.text = text\n"
        "class F(E):\n    pass\nclass G(E):\n    def __init__(self):\n        super().__init__('plain')\n"
        "def view():\n    raise F(request.args['q'])\n"
    )
    (call,) = source_of(read(f"{HEAD}from flask import request\n{text}").app).calls("*.F")
    assert call.args


def test_a_class_in_another_module_says_anew_what_a_method_of_the_base_asks_of_itself(read):
    files = {
        "base.py": "import jwt\nclass Reader:\n    strict = True\n    def read(self, raw):\n        return jwt.decode(raw, self.strict)\n",
        "app.py": "import flask\nfrom base import Reader\nclass Mesh(Reader):\n    strict = False\n",
    }
    (call,) = source_of(read(files).app).calls("jwt.decode")
    assert {one.value for one in options(call.args[1]) if isinstance(one, Constant)} == {True, False}


def test_the_one_settings_file_is_read_where_its_name_is_handed_over(read):
    files = {
        "config/live.toml": "[flask]\nsecret_key = 'k1'\n",
        "app.py": f"{HEAD}import tomllib\ndef load(path):\n    with open(path, 'rb') as held:\n        return tomllib.load(held)['flask']\n"
        "for name, value in load(os.environ.get('CONFIG', 'config/live.toml')).items():\n    app.config[name.upper()] = value\n",
    }
    (key,) = keys(read(files))
    assert key.span.path == "config/live.toml"


def test_what_a_function_chooses_for_tests_is_left_out(read):
    """Of the classes that a function gives back, the one that tests run with says nothing of what is served."""
    text = (
        f"{HEAD}class Live:\n    KEY = os.environ['KEY']\nclass TestConfig:\n    KEY = 'k1'\n"
        "def chosen():\n    if os.environ['STAGE'] == 'test':\n        return TestConfig\n    return Live\napp.secret_key = chosen().KEY\n"
    )
    assert [type(one) for one in keys(read(text))] == [EnvironmentValue]
