"""Values and steps behind objects, tables and functions that hand on: each is read where it is used."""

import pytest

from stopper.core.facts import source_of
from stopper.core.values import Constant

HEAD = "from flask import Flask, current_app, g, request\napp = Flask(__name__)\n"
USE = "@app.get('/')\ndef index():\n    use({read})\n    return ''\n"
CONTAINER = """\
class Container:
    def __init__(self):
        self._makers = {}
    def register(self, name, maker):
        self._makers[name] = maker
    def resolve(self, name):
        if name not in self._makers:
            raise KeyError(name)
        return self._makers[name]()
container = Container()
container.register("other", lambda: "not this")
container.register("key", lambda: "told")
"""
SETTER = """\
class Settings:
    def __init__(self):
        self._key = None
    @property
    def key(self):
        return self._key
    @key.setter
    def key(self, value):
        self._key = value
settings = Settings()
settings.key = "told"
"""
LOADED = """\
class Settings:
    def __init__(self):
        self.key = None
    def load(self):
        self.key = "told"
settings = Settings()
settings.load()
"""
BUILDER = """\
class Options:
    def __init__(self):
        self.options = {}
    def option(self, name, value):
        self.options[name] = value
        return self
    def build(self):
        return dict(self.options)
options = Options().option("other", "not this").option("key", "told").build()
"""
PICKED = """\
import os
class Common:
    KEY = "told"
class Local(Common):
    STAGE = "local"
class Live(Common):
    STAGE = "live"
STAGES = {"local": Local, "live": Live}
def get_settings():
    return STAGES.get(os.environ.get("STAGE", "live"), Live)()
"""
REGISTRY = """\
MADE = {}
def made(name):
    def keep(function):
        MADE[name] = function
        return function
    return keep
def run(name, *args):
    return MADE[name](*args)
@made("other")
def other(first):
    return "not this"
@made("key")
def key(first):
    return first
"""
OPENED = """\
from contextlib import contextmanager
@contextmanager
def opened(name):
    try:
        yield name
    finally:
        close(name)
"""


@pytest.mark.parametrize(
    ("made", "read_as"),
    [
        (CONTAINER, "container.resolve('key')"),
        (SETTER, "settings.key"),
        (LOADED, "settings.key"),
        (BUILDER, "options['key']"),
        (PICKED, "get_settings().KEY"),
        (REGISTRY, "run('key', 'told')"),
        ("TABLE = {'other': lambda: 'not this', 'key': lambda first: first}\n", "TABLE['key']('told')"),
        ("def handed(*args, **options):\n    return dict(*args, **options)\n", "handed(key='told')['key']"),
    ],
    ids=["container", "setter", "filled-later", "builder", "picked-by-stage", "registry", "lambdas", "handed-on"],
)
def test_a_value_is_read_where_it_is_used(read, made, read_as):
    facts = source_of(read(HEAD + made + USE.format(read=read_as)).app)
    (call,) = facts.calls("use")
    assert isinstance(call.args[0], Constant)
    assert call.args[0].value == "told"


LAYERS = """\
class Notes:
    def find(self, number):
        return look_up(number)
class Service:
    def __init__(self, notes):
        self.notes = notes
    def show(self, number):
        return self.notes.find(number)
"""


@pytest.mark.parametrize(
    ("made", "read_as"),
    [
        (LAYERS + "service = Service(Notes())\n", "service.show(request.args['n'])"),
        (LAYERS + "app.extensions['s'] = Service(Notes())\n", "current_app.extensions['s'].show(request.args['n'])"),
        ("def look(*args, **options):\n    return look_up(*args, **options)\n", "look(request.args['n'])"),
        (OPENED, "look_up(name)"),
    ],
    ids=["made-with-a-repository", "on-the-application", "handed-on", "in-a-with"],
)
def test_what_is_passed_reaches_the_last_step(read, made, read_as):
    use = USE.format(read=read_as)
    if "contextmanager" in made:
        use = use.replace(
            "    use(look_up(name))", "    with opened(request.args['n']) as name:\n        use(look_up(name))"
        )
    facts = source_of(read(HEAD + made + use).app)
    (call,) = facts.calls("look_up")
    assert facts.derives(call.args[0], "request-data")


def test_a_door_of_an_own_decorator_is_a_door(read):
    made = "def endpoint(path, **options):\n    return app.route(path, **options)\n@endpoint('/notes', methods=['POST'])\ndef add():\n    return ''\n"
    assert [(one.path, one.methods) for one in source_of(read(HEAD + made).app).routes if "notes" in one.path] == [
        ("/notes", ("POST", "OPTIONS"))
    ]


def test_a_table_that_the_caller_chooses_from_gives_no_one_thing(read):
    facts = source_of(read(HEAD + CONTAINER + USE.format(read="container.resolve(request.args['n'])")).app)
    (call,) = facts.calls("use")
    assert not isinstance(call.args[0], Constant)


def test_a_function_that_does_more_hands_nothing_on(read):
    made = "def post(*args, **options):\n    options.setdefault('timeout', 5)\n    return send(*args, **options)\n"
    facts = source_of(read(HEAD + made + USE.format(read="post('x')")).app)
    assert [call.open for call in facts.calls("send")] == [True]
