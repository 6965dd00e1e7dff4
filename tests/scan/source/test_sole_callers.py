"""A step that was moved into a function of its own is read as if it stood where it is called."""

import pytest
from tests.scan.source.made_programs import part_of_itself

from stopper.core.facts import source_of
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Item,
    Mapping,
    Name,
    Parameter,
    Truth,
    walk,
)

HEAD = "import os, jwt\nfrom flask import Flask, request, abort\napp = Flask(__name__)\n"


def facts_of(read, text, **files):
    sources = {"a.py": HEAD + text, **{f"{name}.py": body for name, body in files.items()}}
    return source_of(read(sources).app)


def test_a_function_that_only_gives_back_is_read_as_what_it_gives(read):
    facts = facts_of(read, "def key(): return os.environ['KEY']\njwt.encode({}, key())\njwt.decode('', key())\n")
    (call,) = facts.calls("jwt.encode")
    assert isinstance(call.args[1], EnvironmentValue)


def test_what_is_passed_to_such_a_function_stands_in_what_it_gives(read):
    text = "def setting(name, default=None): return os.environ.get(name, default)\nA = setting('A', 'x')\nB = setting('B')\n"
    facts = facts_of(read, text)
    values = {one.attribute: one.value for one in facts.assignments() if one.attribute in ("A", "B")}
    assert isinstance(values["A"], EnvironmentValue)
    assert values["A"].variable == "A"
    assert isinstance(values["A"].default, Constant)
    assert isinstance(values["B"], EnvironmentValue)


def test_a_setting_by_a_name_that_is_passed_is_that_setting(read):
    facts = facts_of(read, "def setting(name): return app.config[name]\nA = setting('KEY')\nB = setting('OTHER')\n")
    assert [one.value.key for one in facts.assignments() if isinstance(one.value, ConfigValue)] == ["KEY", "OTHER"]


def test_a_function_with_a_branch_is_not_read_as_one_of_its_answers(read):
    facts = facts_of(read, "def key(test): return 'x' if test else os.environ['KEY']\njwt.encode({}, key(True))\n")
    (call,) = facts.calls("jwt.encode")
    assert isinstance(call.args[1], Call)


def test_the_parameters_of_a_function_that_one_place_calls_are_what_it_passes(read):
    text = (
        "def decoded(token, how):\n    return jwt.decode(token, algorithms=[how['alg']])\n"
        "@app.get('/')\ndef view():\n    how = jwt.get_unverified_header(request.args['t'])\n    return decoded(request.args['t'], how)\n"
    )
    (call,) = facts_of(read, text).calls("jwt.decode")
    assert isinstance(call.args[0], Item)
    (item,) = call.keyword("algorithms").items
    assert item.owner.callee == "jwt.get_unverified_header"
    assert call.function == "a.view"


def test_two_callers_leave_a_parameter_what_it_is(read):
    text = (
        "def decoded(token):\n    return jwt.decode(token)\n"
        "@app.get('/')\ndef view():\n    return decoded(request.args['t'])\n"
        "@app.get('/b')\ndef other():\n    return decoded(request.form['t'])\n"
    )
    (call,) = facts_of(read, text).calls("jwt.decode")
    assert isinstance(call.args[0], Parameter)
    assert call.function == "a.decoded"


def test_a_function_that_is_handed_on_may_be_called_by_somebody_else(read):
    text = (
        "import threading\ndef decoded(token):\n    return jwt.decode(token)\n"
        "@app.get('/')\ndef view():\n    threading.Thread(target=decoded)\n    return decoded(request.args['t'])\n"
    )
    (call,) = facts_of(read, text).calls("jwt.decode")
    assert isinstance(call.args[0], Parameter)


def test_a_test_of_its_own_is_the_test_of_the_branch(read):
    text = (
        "def allowed(user):\n    return user['role'] == 'admin'\n"
        "@app.get('/')\ndef view():\n    if not allowed(request.json):\n        abort(403)\n    return ''\n"
    )
    facts = facts_of(read, text)
    (condition,) = facts.conditions()
    (comparison,) = facts.comparisons()
    assert isinstance(condition.value, Truth)
    assert condition.value.parts[0] is comparison.left
    assert comparison.function == "a.view"


def test_a_view_that_only_hands_on_answers_what_the_other_answers(read):
    text = (
        "def steps(number):\n    if number == '1':\n        return {'one': 1}\n    return {'other': number}\n"
        "@app.get('/<number>')\ndef view(number):\n    return steps(number)\n"
    )
    facts = facts_of(read, text)
    assert {type(one.value) for one in facts.returns_of("a.view")} == {Mapping}
    assert {one.function for one in facts.flows("response")} == {"a.view"}


def test_what_an_object_is_made_with_is_what_its_methods_read(read):
    text = (
        "class Service:\n    def __init__(self, key):\n        self.key = key\n    def made(self, claims):\n"
        "        return jwt.encode(claims, self.key)\nservice = Service(os.environ['KEY'])\n"
        "@app.get('/')\ndef view():\n    return service.made({})\n"
    )
    (call,) = facts_of(read, text).calls("jwt.encode")
    assert isinstance(call.args[1], EnvironmentValue)


def test_a_method_of_some_object_stays_a_call_of_that_object(read):
    text = (
        "class Person:\n    name = ''\n    def shown(self):\n        return {'name': self.name}\n"
        "@app.get('/')\ndef view():\n    return Person(name=request.args['n']).shown()\n"
    )
    (returned,) = facts_of(read, text).returns_of("a.view")
    assert isinstance(returned.value, Call)


def test_functions_that_call_each_other_in_a_circle_are_read_to_an_end(read):
    text = "def one(a): return other(a)\ndef other(b): return one(b)\n@app.get('/')\ndef view(): return one(request.args['x'])\n"
    assert [one.view for one in facts_of(read, text).routes] == ["a.view"]


@pytest.mark.parametrize(
    "step",
    [
        "def sealed(one):\n    return hashed(one.code)\n",
        "def sealed(one):\n    return hashed(again(one))\ndef again(one):\n    return trimmed(one.code)\n",
        "def sealed(one):\n    return {'code': hashed(one.code)}\n",
    ],
)
def test_what_a_field_is_made_of_itself_holds_no_circle(read, step):
    text = (
        "from b import sealed\nclass Reader:\n    code = ''\n    def seal(self):\n        self.code = sealed(self)\n"
        "@app.post('/')\ndef view():\n    reader = Reader()\n    reader.code = request.args['c']\n    reader.seal()\n    return reader.code\n"
    )
    facts = facts_of(read, text, b=step)
    values = [*facts.all_calls, *(one.value for one in facts.returns_of("a.view"))]
    assert any(isinstance(one, Call) and one.callee.endswith("hashed") for one in values)
    assert part_of_itself(values) is None


def test_a_method_of_what_is_passed_has_the_name_of_what_it_is(read):
    text = (
        "def is_open(path):\n    return path.startswith('/open')\n"
        "@app.before_request\ndef guard():\n    if is_open(request.path):\n        return None\n    abort(401)\n"
    )
    facts = facts_of(read, text)
    assert [call.receiver for call in facts.calls("flask.request.path.startswith")] == [Name("flask.request.path")]


def test_functions_that_choose_from_one_another_do_not_double_with_each_step(read):
    """Each gives the two it was given in either order, so eighteen steps would be a quarter of a million choices."""
    steps = "".join(f"def f{n}(x, y):\n    return f{n + 1}(x or y, y or x)\n" for n in range(40))
    own = f"{steps}def f40(x, y):\n    return x\n"
    reading = read(HEAD + own + "@app.get('/')\ndef v():\n    return f0(request.args['q'], request.args['z'])\n")
    (given,) = next(one for one in source_of(reading.app).functions() if one.name.endswith(".v")).returns
    assert sum(1 for _ in walk(given, 60)) < 100


def test_a_method_that_a_library_calls_too_keeps_its_parameters(read):
    """Flask calls ``get`` with what stands in the path, whatever the one call in the source passes."""
    reading = read(
        "import os\nfrom flask import Flask\nfrom flask.views import MethodView\napp = Flask(__name__)\n"
        "class V(MethodView):\n    def get(self, name):\n        return os.popen('ls ' + name).read()\n"
        "    def post(self):\n        return self.get('x')\napp.add_url_rule('/v/<name>', view_func=V.as_view('v'))\n"
    )
    (call,) = source_of(reading.app).calls("os.popen")
    assert any(getattr(part, "parameter", "") == "name" for part in walk(call.args[0]))


def test_what_the_only_caller_tests_has_been_tested_in_the_function(read):
    text = (
        "def step(user):\n    for one in user:\n        if one:\n            print(one)\n"
        "@app.get('/')\ndef view():\n    if request.args['n'] == '1':\n        return ''\n    step(request.json)\n    return 'x'\n"
    )
    facts = facts_of(read, text)
    assert [one.function for one in facts.conditions_in("a.step")] == ["a.view", "a.step"]
    assert [one.function for one in facts.comparisons_in("a.step")] == ["a.view"]
    twice = facts_of(read, text + "step([])\n")
    assert [one.function for one in twice.conditions_in("a.step")] == ["a.step"]


def test_a_step_of_another_module_is_told_where_it_is_written(read):
    text = "import b\n@app.get('/')\ndef view():\n    return b.steps(request.args['n'])\n"
    facts = facts_of(
        read, text, b="def steps(name):\n    if name:\n        return {'one': name}\n    return {'other': name}\n"
    )
    flows = list(facts.flows("response"))
    assert {one.function for one in flows} == {"a.view"}
    assert {one.span.path for one in flows} == {"b.py"}
    assert {facts.function_around(one.span) for one in flows} == {"b.steps"}


def test_a_class_whose_init_gives_back_what_its_bases_gives_is_read(read):
    source = (
        "from flask import Flask\napp = Flask(__name__)\n"
        "class Wrong(Exception):\n    def __init__(self, message, errors):\n        self.errors = errors\n"
        "        return super().__init__(message)\n"
        "@app.get('/')\ndef index():\n    raise Wrong('no', [1])\n"
    )
    assert [route.path for route in read(source).app.routes] == ["/"]


def test_a_helper_that_is_handed_self_reads_what_the_object_holds(read):
    text = (
        "import httpx\nclass Crm:\n    def __init__(self, http=None): self.http = http or httpx.Client(timeout=5)\n"
        "    def one(self, number): return asked(number, self)\n"
        "def asked(number, self):\n    return self.http.get(f'/customers/{number}')\n"
    )
    facts = facts_of(read, text)
    assert [call.method for call in facts.calls("httpx.Client.get")] == ["get"]


def test_options_that_are_handed_on_are_what_was_said(read):
    text = (
        "def start(args):\n    options = {'host': args.host, 'debug': True}\n    run(app, options)\n"
        "def run(app, options):\n    app.run(**options)\n"
    )
    (call,) = facts_of(read, text).calls("flask.Flask.run")
    assert isinstance(call.keyword("debug"), Constant)
    assert not call.open


def test_an_object_as_a_mapping_holds_its_fields(read):
    text = (
        "from dataclasses import asdict, dataclass\n@dataclass\nclass Claims:\n    sub: str\n    exp: int = 60\n"
        "jwt.encode(asdict(Claims(sub='ann')), 'k')\n"
    )
    (call,) = facts_of(read, text).calls("jwt.encode")
    claims = call.args[0]
    assert isinstance(claims, Mapping)
    assert claims.keys() == ("sub", "exp")


def test_a_check_that_gives_an_error_beside_no_is_a_step_of_who_leaves_with_it(read):
    text = (
        "def check():\n    if request.headers.get('X-Key') != os.environ['KEY']:\n        return False, ({'error': 'no'}, 401)\n"
        "    return True, None\n"
        "@app.before_request\ndef door():\n    ok, error = check()\n    if not ok:\n        return error\n"
    )
    facts = facts_of(read, text)
    assert [one.operator for one in facts.comparisons_in("a.door")] == ["!="]
    assert any(one.refuses for one in facts.conditions_in("a.door"))


def test_a_check_whose_answer_nobody_leaves_with_stays_where_it_is(read):
    text = (
        "def check():\n    if request.headers.get('X-Key') != os.environ['KEY']:\n        return False, ({'error': 'no'}, 401)\n"
        "    return True, None\n"
        "@app.before_request\ndef door():\n    ok, error = check()\n    print(ok, error)\n"
    )
    facts = facts_of(read, text)
    assert not facts.comparisons_in("a.door")


def test_an_object_in_a_field_is_that_object(read):
    text = (
        "from dataclasses import dataclass\n@dataclass\nclass Database:\n    url: str\n@dataclass\nclass Settings:\n    database: Database\n"
        "settings = Settings(database=Database(url='sqlite://'))\njwt.encode({}, settings.database.url)\n"
    )
    (call,) = facts_of(read, text).calls("jwt.encode")
    assert isinstance(call.args[1], Constant)
    assert call.args[1].value == "sqlite://"
