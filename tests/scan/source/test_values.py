"""Values come resolved: through names, modules, containers and settings."""

import pytest

from stopper.core.facts import source_of
from stopper.core.values import (
    Call,
    Choice,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Mapping,
    Name,
    Parameter,
    Sequence,
    Value,
    is_constant,
    literals,
    may_be,
    options,
    text_of,
    walk,
)


def passed(reading, callee: str = "jwt.decode") -> Call:
    """The one call of that name."""
    (call,) = source_of(reading.app).calls(callee)
    return call


def first(read, lines: str, expression: str) -> Value:
    """What *expression* is worth after *lines*."""
    reading = read(f"import jwt\n{lines}\njwt.decode({expression})\n")
    return passed(reading).args[0]


def test_an_alias_of_a_module_is_resolved(read):
    assert passed(read("import jwt as j\nj.decode('t')\n")).callee == "jwt.decode"


def test_an_alias_of_a_function_is_resolved(read):
    assert passed(read("from jwt import decode as d\nd('t')\n")).callee == "jwt.decode"


def test_a_function_bound_to_a_variable_is_resolved(read):
    assert passed(read("import jwt\nd = jwt.decode\nd('t')\n")).callee == "jwt.decode"


def test_the_home_module_of_a_name_is_the_public_name(read):
    assert passed(read("from jwt.api_jwt import decode\ndecode('t')\n")).callee == "jwt.decode"


def test_a_re_export_of_the_project_is_followed(read):
    reading = read(
        {
            "shop/__init__.py": "from shop.lib import decode\n",
            "shop/lib.py": "from jwt import decode\n",
            "shop/use.py": "from shop import decode\ntoken = 't'\ndecode(token)\n",
        }
    )
    assert passed(reading).span.path == "shop/use.py"


def test_a_star_import_of_the_project_is_followed(read):
    reading = read({"lib.py": "from jwt import decode\n", "use.py": "import flask\nfrom lib import *\ndecode('t')\n"})
    assert passed(reading).callee == "jwt.decode"


def test_a_relative_import_is_followed(read):
    reading = read(
        {
            "shop/__init__.py": "",
            "shop/a/__init__.py": "",
            "shop/keys.py": "KEY = 'k1'\n",
            "shop/a/use.py": "import jwt\nfrom ..keys import KEY\njwt.decode(KEY)\n",
        }
    )
    assert text_of(passed(reading).args[0]) == "k1"


def test_a_module_of_the_same_folder_is_imported_where_no_init_makes_a_package(read):
    use = "import jwt\nfrom . import keys\njwt.decode(keys.KEY)\n"
    reading = read({"shop/use.py": use, "shop/keys.py": "KEY = 'k1'\n"})
    assert text_of(passed(reading).args[0]) == "k1"


def test_a_constant_of_another_module_keeps_its_own_place(read):
    reading = read({"settings.py": "\nKEY = 'k1'\n", "app.py": "import jwt, settings\njwt.decode(settings.KEY)\n"})
    value = passed(reading).args[0]
    assert isinstance(value, Constant)
    assert (value.value, value.span.path, value.span.line) == ("k1", "settings.py", 2)


def test_modules_that_import_each_other_are_read_as_python_would(read):
    reading = read(
        {
            "shop/__init__.py": "from flask import Flask\napp = Flask(__name__)\nfrom shop import views\n",
            "shop/views.py": "from shop import app\n@app.get('/x')\ndef x():\n    return ''\n",
        }
    )
    assert [route.path for route in reading.app.routes] == ["/x"]


def test_the_object_of_a_class_names_its_methods(read):
    (call,) = source_of(read("from flask import Flask\napp = Flask('x')\napp.run(debug=True)\n").app).calls(
        "flask.Flask.run"
    )
    assert is_constant(call.keyword("debug"), True)


def test_the_object_that_a_factory_returns_names_its_methods(read):
    reading = read("from flask import Flask\ndef make():\n    app = Flask('x')\n    return app\nmake().run()\n")
    assert len(list(source_of(reading.app).calls("flask.Flask.run"))) == 1


def test_current_app_is_the_application(read):
    reading = read("from flask import current_app\ndef f():\n    current_app.run()\n")
    assert len(list(source_of(reading.app).calls("flask.Flask.run"))) == 1


def test_a_method_of_an_unknown_object_has_a_question_mark(read):
    assert passed(read("import flask\ndef f(x):\n    x.fetch(1)\n"), "?.fetch").args[0].value == 1


def test_a_method_reached_through_self_is_the_class_method(read):
    reading = read("import flask\nclass A:\n    def one(self):\n        self.two()\n    def two(self):\n        pass\n")
    assert len(list(source_of(reading.app).calls("app.A.two"))) == 1


def test_an_attribute_of_self_is_followed(read):
    reading = read(
        "import jwt\nclass A:\n    def __init__(self):\n        self.key = 'k1'\n    def go(self):\n        jwt.decode(self.key)\n"
    )
    assert may_be(passed(reading).args[0], "k1")


def test_a_class_attribute_is_followed(read):
    assert text_of(first(read, "class C:\n    KEY = 'k1'", "C.KEY")) == "k1"


def test_an_inherited_class_attribute_is_followed(read):
    assert text_of(first(read, "class B:\n    KEY = 'k1'\nclass C(B):\n    pass", "C.KEY")) == "k1"


def test_texts_that_are_put_together_from_literals_are_one(read):
    assert text_of(first(read, "a = 'x' + 'y'\nb = f'{a}z'", "b")) == "xyz"


def test_a_long_chain_of_literals_is_one(read):
    assert text_of(first(read, "", " + ".join(["'a'"] * 12))) == "a" * 12


def test_numbers_are_worked_out(read):
    assert is_constant(first(read, "HOUR = 60 * 60", "HOUR * 24 * 30"), 2592000)


def test_a_text_with_a_hole_is_a_format(read):
    assert isinstance(first(read, "import sys", "f'a{sys.argv}'"), Format)


def test_a_text_with_one_of_a_few_literals_is_each_of_them(read):
    """``f"https://{stage}.x"`` over a list that stands there: a pattern or a name of a column can be judged."""
    value = first(read, "STAGES = ('app', 'test')", "[f'https://{stage}.x' for stage in STAGES]")
    assert {one.value for one in walk(value) if isinstance(one, Constant)} >= {"https://app.x", "https://test.x"}


def test_what_pydantic_wraps_is_what_it_wraps(read):
    assert text_of(first(read, "from pydantic import SecretStr", "SecretStr('x' * 3).get_secret_value()")) == "xxx"


def test_a_dict_call_is_a_mapping(read):
    value = first(read, "", "dict(verify_signature=False)")
    assert isinstance(value, Mapping)
    assert is_constant(value.get("verify_signature"), False)


def test_a_key_that_is_set_later_is_in_the_mapping(read):
    value = first(read, "p = {'sub': 1}\np['exp'] = 5\np.update({'iat': 2}, jti=3)", "p")
    assert isinstance(value, Mapping)
    assert value.keys() == ("sub", "exp", "iat", "jti")


def test_unpacked_mappings_are_merged(read):
    value = first(read, "base = {'a': 1}", "{**base, 'b': 2}")
    assert isinstance(value, Mapping)
    assert (value.keys(), value.open) == (("a", "b"), False)


def test_a_mapping_with_unknown_parts_is_open(read):
    value = first(read, "def f(x):\n    pass\nimport sys", "{**sys.x}")
    assert isinstance(value, Mapping)
    assert value.open


def test_a_lookup_in_a_mapping_is_folded(read):
    assert text_of(first(read, "d = {'k': {'x': 'y'}}", "d['k'].get('x')")) == "y"


def test_keywords_that_are_unpacked_are_keywords(read):
    reading = read("import jwt\nopts = {'algorithms': ['none']}\njwt.decode('t', **opts)\n")
    call = passed(reading)
    assert isinstance(call.keyword("algorithms"), Sequence)
    assert not call.open


def test_keywords_that_nobody_knows_make_the_call_open(read):
    call = passed(read("import jwt\ndef f(**more):\n    jwt.decode('t', **more)\n"))
    assert not call.lacks(None, "algorithms")


def test_a_missing_keyword_is_lacking(read):
    assert passed(read("import jwt\njwt.decode('t', 'k')\n")).lacks(2, "algorithms")


def test_the_environment_with_a_default(read):
    value = first(read, "import os", "os.environ.get('KEY', 'dev')")
    assert isinstance(value, EnvironmentValue)
    assert (value.variable, text_of(value.default)) == ("KEY", "dev")


def test_the_environment_without_a_default_raises(read):
    value = first(read, "from os import environ", "environ['KEY']")
    assert isinstance(value, EnvironmentValue)
    assert value.default is None


def test_getenv_or_a_literal_is_a_default(read):
    value = first(read, "import os", "os.getenv('KEY') or 'dev'")
    assert [one.value for one in literals(value)] == ["dev"]


def test_a_setting_is_a_config_value(read):
    reading = read("import jwt\nfrom flask import Flask\napp = Flask('x')\njwt.decode(app.config['KEY'])\n")
    value = passed(reading).args[0]
    assert isinstance(value, ConfigValue)
    assert value.key == "KEY"


def test_a_setting_is_followed_to_what_was_written(read):
    reading = read(
        "import jwt\nfrom flask import Flask\napp = Flask('x')\napp.config['KEY'] = 'k1'\njwt.decode(app.config['KEY'])\n"
    )
    facts = source_of(reading.app)
    assert [text_of(value) for value in facts.followed(passed(reading).args[0])] == ["k1"]


def test_two_branches_are_a_choice(read):
    value = first(read, "import sys\nif sys.x:\n    k = 'a'\nelse:\n    k = 'b'", "k")
    assert isinstance(value, Choice)
    assert {one.value for one in literals(value)} == {"a", "b"}


def test_a_branch_that_leaves_does_not_count(read):
    reading = read(
        "import jwt\ndef f(x):\n    k = 'a'\n    if x:\n        k = 'b'\n        return\n    jwt.decode(k)\n"
    )
    assert text_of(passed(reading).args[0]) == "a"


def test_the_last_assignment_wins(read):
    assert text_of(first(read, "k = 'a'\nk = 'b'", "k")) == "b"


def test_a_comprehension_leaves_the_names_around_it_alone(read):
    assert text_of(first(read, "x = 'a'\ny = [x for x in (1, 2)]", "x")) == "a"


def test_a_name_that_nobody_binds_is_itself(read):
    value = first(read, "", "nowhere")
    assert isinstance(value, Name)
    assert value.dotted == "nowhere"


def test_columns_are_counted_in_characters(read):
    reading = read("import jwt\njwt.decode('éé', 'k')\n")
    key = passed(reading).args[1]
    assert (key.span.column, key.span.end_column) == (18, 21)


def test_true_is_not_one():
    assert not is_constant(Constant(1), True)


def test_a_loop_over_literal_rows_gives_each_name_its_own_column(read):
    reading = read("import jwt\nfor name, code in [('a', 'x'), ('b', 'y')]:\n    jwt.decode(code)\n")
    assert {one.value for one in literals(passed(reading).args[0])} == {"x", "y"}


def test_a_literal_case_is_a_comparison(read):
    reading = read("import jwt\nmatch role:\n    case 'admin' | 'boss':\n        run()\n    case _:\n        stop()\n")
    assert [text_of(one.right) for one in source_of(reading.app).comparisons("==")] == ["admin", "boss"]


@pytest.mark.parametrize(
    ("subject", "pattern", "left"),
    [
        ("(name, word)", "('admin', _)", "Name"),
        ("(name, word)", "[_, 'admin']", "Name"),
        ("body", "{'name': 'admin', 'word': _}", "Item"),
        ("body", "User(name='admin')", "Member"),
        ("body", "[_, ('admin' as who), *_]", "Item"),
    ],
)
def test_a_literal_within_a_pattern_is_a_comparison_with_its_part(read, subject, pattern, left):
    reading = read(f"import jwt, name, word, body\nmatch {subject}:\n    case {pattern}:\n        run()\n")
    (found,) = source_of(reading.app).comparisons("==")
    assert (type(found.left).__name__, text_of(found.right)) == (left, "admin")


def test_a_literal_behind_a_star_is_compared_with_nothing(read):
    reading = read("import jwt, body\nmatch body:\n    case [*_, 'admin']:\n        run()\n")
    assert not list(source_of(reading.app).comparisons("=="))


def test_literals_that_are_joined_are_a_literal(read):
    assert is_constant(first(read, "", "'-'.join(['a', 'b', 'c'])"), "a-b-c")
    assert isinstance(first(read, "import os", "''.join(['a', os.environ['X']])"), Format)


def test_a_partial_function_is_what_it_keeps_called_with_both(read):
    lines = "import jwt\nfrom functools import partial\nread = partial(jwt.decode, 'a', verify=False, key='k')\nread('b', key='l')\n"
    call = passed(read(lines))
    assert [text_of(one) for one in call.args] == ["a", "b"]
    assert text_of(call.keyword("key")) == "l"
    assert is_constant(call.keyword("verify"), False)


def test_a_filled_template_is_a_text_of_its_parts(read):
    value = first(
        read, "from string import Template\nt = Template('a $x')\nimport os", "t.substitute(x=os.environ['X'])"
    )
    assert isinstance(value, Format)
    assert text_of(value.parts[0]) == "a $x"
    assert isinstance(value.parts[1], EnvironmentValue)


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [
        ('{"kid": str(kid)}', "Item"),
        ('{"kid": kid, "x5c": [*_]}', "Item"),
        ("[kid, *_]", "Item"),
        ("Token(kid=kid)", "Member"),
    ],
)
def test_a_pattern_names_the_part_that_it_matches(read, pattern, shown):
    app = read(
        {"a.py": f"import jwt\ndef f(found):\n    match found:\n        case {pattern}:\n            jwt.decode(kid)\n"}
    ).app
    (call,) = (one for one in source_of(app).calls() if one.callee.endswith("jwt.decode"))
    assert type(call.args[0]).__name__ == shown


def test_members_of_an_enumeration_are_literals_also_in_a_loop(read):
    files = {
        "algs.py": "from enum import Enum\nclass Alg(str, Enum):\n    A = 'RS256'\n    B = 'none'\n",
        "a.py": "import jwt\nfrom algs import Alg\njwt.decode([one.value for one in Alg], Alg.B.value)\n",
    }
    (call,) = (one for one in source_of(read(files).app).calls() if one.callee.endswith("jwt.decode"))
    assert {part.value for part in walk(call.args[0]) if isinstance(part, Constant)} == {"RS256", "none"}
    assert is_constant(call.args[1], "none")


def test_get_of_what_an_own_function_gives_is_a_look_up(read):
    (call,) = (
        one
        for one in source_of(
            read(
                {"a.py": "import jwt\ndef header(t):\n    return parse(t)\njwt.decode(header(1).get('alg', 'x'))\n"}
            ).app
        ).calls()
        if one.callee.endswith("jwt.decode")
    )
    assert isinstance(call.args[0], Item)
    assert is_constant(call.args[0].default, "x")


def test_each_of_two_names_is_what_the_function_gives_at_its_place(read):
    source = "import flask\ndef fetch():\n    if bad():\n        return None, 'broken'\n    return 'data', None\na, b = fetch()\nuse(a, b)\n"
    (call,) = source_of(read(source).app).calls("use")
    shown = [{one.value for one in options(arg) if isinstance(one, Constant)} for arg in call.args]
    assert shown == [{None, "data"}, {None, "broken"}]


def test_the_names_of_pairs_are_told_from_what_they_hold(read):
    """``for name, held in sent.items()``: the name comes out of the keys, and the value out of the mapping."""
    found = passed(
        read("import jwt\ndef view(sent):\n    for name, held in sent.items():\n        jwt.decode(name, held)\n")
    )
    name, held = found.args
    assert isinstance(name, Item)
    assert isinstance(name.owner, Call)
    assert name.owner.method == "keys"
    assert isinstance(held, Item)
    assert isinstance(held.owner, Parameter)
