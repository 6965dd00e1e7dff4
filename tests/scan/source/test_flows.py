"""What a value derives from, and where it ends."""

import pytest

from stopper.core.facts import source_of

HEAD = (
    "import logging, os, jwt, requests, subprocess, traceback\n"
    "from flask import Flask, request, jsonify, session, redirect, make_response, abort, url_for\napp = Flask(__name__)\nlog = logging.getLogger(__name__)\n"
)


def flows(read, body: str, sink: str, head: str = HEAD) -> set[str]:
    """The kinds of labels that reach that sink in a view with this body."""
    text = (
        head
        + "@app.route('/x/<name>')\ndef x(name):\n"
        + "".join(f"    {line}\n" for line in body.split("\n"))
        + "    return ''\n"
    )
    return {label.kind for flow in source_of(read(text).app).flows(sink) for label in flow.labels}


@pytest.mark.parametrize(
    ("expression", "label"),
    [
        ("request.headers['Authorization']", "authorization-header"),
        ("request.headers.get('authorization')", "authorization-header"),
        ("request.authorization", "authorization-header"),
        ("request.headers", "request-headers"),
        ("dict(request.headers)", "request-headers"),
        ("request.headers.get('X-API-Key')", "api-key"),
        ("request.headers.get('X-Auth-Token')", "token"),
        ("request.args['q']", "query-string"),
        ("request.args", "request-data"),
        ("request.form.get('q')", "request-data"),
        ("request.get_json()['q']", "request-data"),
        ("request.json", "request-data"),
        ("request.values['q']", "request-data"),
        ("request.cookies.get('s')", "cookie"),
        ("request.url", "request-url"),
        ("name", "path-parameter"),
        ("session['u']", "session"),
        ("os.environ['SOME']", "environment"),
        ("os.environ", "whole-config"),
        ("app.config", "whole-config"),
        ("app.config['SECRET_KEY']", "config-secret"),
        ("app.config['TITLE']", "config"),
        ("jwt.encode({}, 'k')", "token"),
        ("jwt.decode('t', 'k', algorithms=['HS256'])['sub']", "claims"),
        ("jwt.decode('t', options={'verify_signature': False})", "unverified-claims"),
        ("jwt.get_unverified_header('t')['kid']", "unverified-claims"),
        ("requests.get('http://x').json()", "upstream"),
        ("traceback.format_exc()", "traceback"),
    ],
)
def test_origins(read, expression, label):
    assert label in flows(read, f"print({expression})", "print")


@pytest.mark.parametrize(
    "expression",
    [
        "'%s' % t",
        "f'a {t}'",
        "'a' + t",
        "'{}'.format(t)",
        "t.split(' ')[1]",
        "str(t)",
        "[t]",
        "{'a': t}",
        "' '.join([t])",
        "t[7:]",
        "t or 'x'",
        "t if t else ''",
    ],
)
def test_a_label_survives(read, expression):
    assert "authorization-header" in flows(read, f"t = request.headers['Authorization']\nprint({expression})", "print")


@pytest.mark.parametrize(
    "expression",
    ["len(t)", "bool(t)", "hashlib.sha256(t.encode()).hexdigest()", "t is None", "check(t)", "t.startswith('B')"],
)
def test_a_label_ends(read, expression):
    found = flows(read, f"import hashlib\nt = request.headers['Authorization']\nprint({expression})", "print")
    assert "authorization-header" not in found


@pytest.mark.parametrize(
    ("line", "sink"),
    [
        ("log.info('x %s', t)", "log"),
        ("logging.warning(t)", "log"),
        ("app.logger.error(f'x {t}')", "log"),
        ("print(t)", "print"),
        ("return t", "response"),
        ("return t, 400", "response"),
        ("return {'t': t}", "response"),
        ("return jsonify(t=t)", "response"),
        ("return make_response(t)", "response"),
        ("abort(400, description=t)", "response"),
        ("raise ValueError(f'bad {t}')", "exception-message"),
        ("session['t'] = t", "session"),
        ("session.update(t=t)", "session"),
        ("r = make_response('')\n r.set_cookie('t', t)".replace("\n ", "\n"), "cookie"),
        ("return redirect('/?t=' + t)", "redirect"),
        ("url_for('x', t=t)", "url"),
        ("requests.get('http://u/?k=' + t)", "outbound-url"),
        ("requests.post('http://u', headers={'A': t})", "outbound-headers"),
        ("requests.post('http://u', json={'A': t})", "outbound-body"),
        ("db.execute('select ' + t)", "sql"),
        ("open(t)", "file-path"),
        ("subprocess.run(t, shell=True)", "subprocess"),
        ("eval(t)", "code"),
        ("jwt.encode({'p': t}, 'k')", "claims"),
        ("r = make_response('')\nr.headers['X'] = t", "response-header"),
    ],
)
def test_sinks(read, line, sink):
    assert "request-data" in flows(read, f"t = request.args['t']\n{line}", sink)


def test_a_response_is_noted_once(read):
    facts = source_of(read(HEAD + "@app.get('/x')\ndef x():\n    return jsonify(request.args), 400\n").app)
    assert len(list(facts.flows("response", label="request-data"))) == 1


def test_what_a_helper_returns_is_no_response(read):
    facts = source_of(read(HEAD + "def helper():\n    return request.args['a']\n").app)
    assert list(facts.flows("response")) == []


def test_a_parameter_carries_what_callers_pass(read):
    facts = source_of(
        read(
            HEAD
            + "def show(m):\n    log.info(m)\ndef mid(k):\n    show(k)\n@app.get('/x')\ndef x():\n    mid(request.headers['Authorization'])\n    return ''\n"
        ).app
    )
    (flow,) = facts.flows("log", label="authorization-header")
    assert flow.function == "app.show"


def test_a_result_carries_what_the_function_returns(read):
    head = HEAD + "def bearer():\n    return request.headers['Authorization'].split()[1]\n"
    assert "authorization-header" in flows(read, "print(bearer())", "print", head)


def test_a_result_carries_what_was_passed_through(read):
    head = HEAD + "def clean(a, b):\n    return b.strip()\n"
    assert "request-data" in flows(read, "print(clean(1, request.args['q']))", "print", head)


def test_a_result_does_not_carry_what_was_dropped(read):
    head = HEAD + "def clean(a, b):\n    return b.strip()\n"
    assert "request-data" not in flows(read, "print(clean(request.args['q'], 'x'))", "print", head)


def test_named_and_further_arguments_are_those_of_the_call(read):
    """One helper makes all answers: what one view gives it is in no other view's answer, also where the others give nothing."""
    head = HEAD + (
        "def answer(*rest, **named):\n    data = {'rest': rest}\n    data.update(**named)\n    return data\n"
        "@app.get('/all')\ndef everything():\n    return answer(request.headers, settings=app.config)\n"
        "@app.get('/none')\ndef nothing():\n    return answer()\n"
    )
    found = source_of(read(head).app).flows("response")
    told = {flow.function.rpartition(".")[2]: {label.kind for label in flow.labels} for flow in found}
    assert told["everything"] == {"request-headers", "whole-config"}
    assert not told.get("nothing")


def test_functions_that_call_each_other_end(read):
    head = HEAD + "def a(x):\n    return b(x)\ndef b(x):\n    return a(x)\n"
    assert flows(read, "print(a(name))", "print", head) == set()


def test_an_exception_in_a_response(read):
    assert flows(read, "try:\n    f()\nexcept ValueError as e:\n    return {'error': str(e)}", "response") >= {
        "exception"
    }


def test_the_code_of_an_http_exception_tells_nothing(read):
    assert "exception" not in flows(
        read, "try:\n    f()\nexcept ValueError as e:\n    return {'error': e.code}", "response"
    )


def test_the_parameter_of_a_handler_for_exceptions_is_the_exception(read):
    facts = source_of(read(HEAD + "@app.errorhandler(Exception)\ndef h(e):\n    return str(e), 500\n").app)
    assert [flow.function for flow in facts.flows("response", label="exception")] == ["app.h"]


def test_the_parameter_of_a_handler_for_404_is_curated(read):
    facts = source_of(read(HEAD + "@app.errorhandler(404)\ndef h(e):\n    return str(e), 404\n").app)
    assert list(facts.flows("response", label="exception")) == []


def test_a_number_harms_no_sql(read):
    assert "request-data" not in flows(read, "n = int(request.args['n'])\ndb.execute(f'select {n}')", "sql")


def test_a_name_alone_is_marked_as_that(read):
    facts = source_of(read(HEAD + "def f(access_token):\n    log.info(access_token)\n").app)
    (flow,) = facts.flows("log", label="token")
    assert flow.by_name_only("token")
    assert list(facts.flows("log", label="token", by_name=False)) == []


@pytest.mark.parametrize(
    "name",
    [
        "token_type",
        "csrf_token",
        "tokens_used",
        "password_hash",
        "key",
        "next_page_token",
        "api_key_header",
        "passport",
        "boarding_pass",
        "first_pass",
        "bypass",
    ],
)
def test_names_that_only_look_secret(read, name):
    facts = source_of(read(HEAD + f"def f({name}):\n    log.info({name})\n").app)
    assert [flow for flow in facts.flows("log") if flow.labels] == []


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("api_key", "api-key"),
        ("apiKey", "api-key"),
        ("refresh_token", "token"),
        ("new_password", "password"),
        ("client_secret", "config-secret"),
        ("SMTP_PASS", "password"),
        ("admin_pw", "password"),
    ],
)
def test_names_that_are_secret(read, name, label):
    facts = source_of(read(HEAD + f"def f({name}):\n    log.info({name})\n").app)
    assert {one.kind for flow in facts.flows("log") for one in flow.labels} == {label}


def test_comparisons_have_both_sides(read):
    facts = source_of(
        read(
            HEAD
            + "KEY = os.environ.get('KEY')\ndef f():\n    if request.headers.get('X-API-Key') != KEY:\n        abort(401)\n"
        ).app
    )
    (found,) = facts.comparisons("!=")
    assert facts.derives(found.left, "api-key", by_name=False)
    assert facts.derives(found.right, "environment")


def test_conditions_tell_whether_they_refuse(read):
    facts = source_of(
        read(
            HEAD
            + "def f(k):\n    if not k:\n        return jsonify(e=1), 401\n    if k == 2:\n        return 'ok'\n    if k == 3:\n        print(k)\n"
        ).app
    )
    assert [(one.negated, one.stops, one.refuses) for one in facts.conditions()] == [
        (True, True, True),
        (False, True, False),
        (False, False, False),
    ]


@pytest.mark.parametrize(
    ("body", "action"),
    [
        ("pass", "pass"),
        ("continue", "pass"),
        ("return None", "return"),
        ("return jsonify(e=1), 401", "refuse"),
        ("abort(401)", "refuse"),
        ("raise", "raise"),
        ("log.info('x')", "go-on"),
    ],
)
def test_what_a_handler_does(read, body, action):
    facts = source_of(
        read(
            HEAD
            + f"def f(t):\n    for _ in t:\n        try:\n            jwt.decode(t)\n        except jwt.PyJWTError:\n            {body}\n"
        ).app
    )
    (handler,) = facts.handlers()
    assert (handler.action, handler.catches, handler.tried) == (action, ("jwt.PyJWTError",), ("jwt.decode",))


def test_a_bare_except_catches_all(read):
    (handler,) = source_of(read(HEAD + "try:\n    f()\nexcept:\n    pass\n").app).handlers()
    assert handler.catches == ("*",)


def test_an_exception_that_is_caught_in_two_ways(read):
    (handler,) = source_of(
        read(HEAD + "try:\n    f()\nexcept (KeyError, jwt.InvalidTokenError):\n    pass\n").app
    ).handlers()
    assert handler.catches == ("KeyError", "jwt.InvalidTokenError")


def test_long_texts_without_spaces_are_noted(read):
    facts = source_of(read(HEAD + "K = 'sk_live_0123456789abcdef'\nM = 'a text with spaces in it'\n").app)
    assert [text.value for text in facts.texts()] == ["sk_live_0123456789abcdef"]


def test_calls_can_be_asked_for_by_last_word_and_pattern(read):
    facts = source_of(read(HEAD + "def f(r):\n    r.set_cookie('a', 'b')\n    requests.post('u')\n").app)
    assert len(list(facts.calls("*.set_cookie"))) == 1
    assert [call.callee for call in facts.calls_matching(r"requests\.(get|post)")] == ["requests.post"]


def test_imports_can_be_asked_for(read):
    facts = source_of(read(HEAD + "import flask_limiter.util\n").app)
    assert facts.imports("flask_limiter")
    assert not facts.imports("flask_lim")


def test_classes_are_found_through_their_bases(read):
    facts = source_of(
        read(HEAD + "from flask.views import MethodView\nclass B(MethodView):\n    pass\nclass C(B):\n    X = 1\n").app
    )
    assert [one.name for one in facts.classes("flask.views.MethodView")] == ["app.B", "app.C"]


@pytest.mark.parametrize(
    ("body", "answered"),
    [
        ("answer = make_response()\nanswer.data = os.environ['API_SECRET']", True),
        ("answer = make_response()\nanswer.response = [os.environ['API_SECRET']]", True),
        ("answer = app.response_class()\nanswer.set_data(os.environ['API_SECRET'])", True),
        ("answer = make_response()\nanswer.secret = os.environ['API_SECRET']", False),
        ("kept = log\nkept.data = os.environ['API_SECRET']", False),
    ],
)
def test_a_body_that_an_answer_is_given_later_goes_out(read, body, answered):
    assert ("config-secret" in flows(read, body, "response")) is answered
