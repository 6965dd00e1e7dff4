"""Probes of the first rules over every case of their pages, and what each of them takes for a proof."""

import importlib.util
import itertools
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, session
from hypothesis import given
from hypothesis import strategies as st

from stopper.core.answers import exception_texts
from stopper.core.exchange import Response
from stopper.core.rule import Rule
from stopper.core.secret import Secret
from stopper.core.tokens import flask_cookie
from stopper.rules.api_key import config_dump_in_response
from stopper.rules.bearer import any_bearer_token_accepted
from stopper.rules.headers import security_headers_missing
from stopper.scan.catalogue import Example, find, page
from stopper.scan.source.read import read_source
from stopper.scan.trial import try_rule

PROBED = (
    "any-bearer-token-accepted",
    "api-key-unset-fails-open",
    "config-dump-in-response",
    "cors-any-origin-with-credentials",
    "exception-text-in-response",
    "security-headers-missing",
)
UNREACHABLE = {
    (
        "exception-text-in-response",
        "a decorator of one's own answers, and a hook",
    ): "its hook answers 503 at every route, before anything is asked",
    (
        "exception-text-in-response",
        "what a program wrote that was run",
    ): "the program that it runs is not there",
    (
        "exception-text-in-response",
        "in the address that somebody is sent to",
    ): "what an address says that an answer leads to is not looked at",
    (
        "exception-text-in-response",
        "abort of a namespace, and what is caught beside an exception of the project",
    ): "its namespace is hung up elsewhere, and the units are not there",
    (
        "exception-text-in-response",
        "the texts are collected in a list of a record",
    ): "it says the same whatever is sent",
    (
        "api-key-unset-fails-open",
        "the hook that asks is hung up only where the key is set",
    ): "without a key it is open as it says",
    (
        "api-key-unset-fails-open",
        "nothing starts without the key, and the hook is always there",
    ): "it does not start without its key",
    (
        "config-dump-in-response",
        "all that a module of settings lists",
    ): "what it lists is taken from a module that another case has loaded",
    ("exception-text-in-response", "the page that it stands on shows the error"): "its one route raises nothing",
    (
        "exception-text-in-response",
        "an exception of one's own, made of the one that was caught",
    ): "the server that it asks is not there",
    (
        "exception-text-in-response",
        "what stood behind an exception of one's own",
    ): "the server that it asks is not there",
    (
        "api-key-unset-fails-open",
        "a key out of a file of settings that may lack it",
    ): "the file of settings is not there",
    (
        "exception-text-in-response",
        "nothing was tried but to read what the caller wrote",
    ): "it needs a model that is not there",
    (
        "api-key-unset-fails-open",
        "two that are missing are held against each other by a helper",
    ): "no route of the example can be read",
    (
        "config-dump-in-response",
        "a record of the settings that the application keeps among its extensions",
    ): "the record is filled when the application starts, and the example's has no setting that is told",
    ("api-key-unset-fails-open", "the decorator gives the view back as it is"): "no route of the example can be read",
    ("api-key-unset-fails-open", "yes below the comparison"): "no route of the example can be read",
    (
        "api-key-unset-fails-open",
        "no list of keys means everybody",
    ): "no wrong key is refused, so it looks like an open route",
    (
        "api-key-unset-fails-open",
        "a list made of an empty text holds an empty text",
    ): "it looks as if keys were optional there",
    (
        "api-key-unset-fails-open",
        "the hook is there only where the key is",
    ): "no wrong key is refused, so it looks like an open route",
    (
        "api-key-unset-fails-open",
        "the missing variable is caught, and the answer is yes",
    ): "no wrong key is refused, so it looks like an open route",
    ("api-key-unset-fails-open", "nothing is the same as nothing"): "it looks as if keys were optional there",
    ("config-dump-in-response", "a file of settings"): "the example has no such file",
    (
        "config-dump-in-response",
        "all variables but a few",
    ): "the search path, by which they are known, is one of the few",
    (
        "api-key-unset-fails-open",
        "a hook gives up where the variable is not there",
    ): "the variable is there while it is served",
    ("exception-text-in-response", "the detail of an error of APIFlask"): "the other service is not there",
    (
        "exception-text-in-response",
        "where it is not debugging, and by what says nothing of it",
    ): "nothing that is sent makes it fail",
    (
        "exception-text-in-response",
        "kept in a list or a dictionary beside what went well",
    ): "the module that does the work is not there",
    ("config-dump-in-response", "the class of the settings"): "two or three names are too little for a configuration",
    (
        "config-dump-in-response",
        "all that the class of the settings lists",
    ): "two or three names are too little for a configuration",
    ("config-dump-in-response", "what every template has, and one shows"): "the example has no templates",
    ("config-dump-in-response", "a data class of settings"): "two or three names are too little for a configuration",
    (
        "exception-text-in-response",
        "one handler, whose text is shown in two ways",
    ): "the module that fails is not there",
    ("exception-text-in-response", "what sys has of it"): "the module that fails is not there",
    ("exception-text-in-response", "in a stream"): "the module that fails is not there",
    ("exception-text-in-response", "in a header"): "the module that fails is not there",
    ("exception-text-in-response", "kept for the request"): "the module that fails is not there",
    ("exception-text-in-response", "the handler for everything"): "no route of the example fails",
    (
        "exception-text-in-response",
        "an object that an error is told in, and a base whose heir answers",
    ): "no route of the example fails",
    ("exception-text-in-response", "a list of the errors behind an error"): "no route of the example fails",
    ("exception-text-in-response", "on a page of our own"): "the example has no templates",
    ("exception-text-in-response", "a function fills the mapping that is answered"): "no route of the example fails",
    ("exception-text-in-response", "in an f-string"): "the honest request fails too, so there is no baseline",
    (
        "api-key-unset-fails-open",
        "without the key the check is skipped",
    ): "no wrong key is refused, so it looks like an open route",
    (
        "api-key-unset-fails-open",
        "The helper says yes where there is no key",
    ): "every key passes, so it looks like an open route",
    ("api-key-unset-fails-open", "the same in two steps"): "no wrong key is refused, so it looks like an open route",
    ("api-key-unset-fails-open", "without the key it does not start"): "it does not start",
    ("api-key-unset-fails-open", "settings that refuse to load without the key"): "it does not start",
    ("api-key-unset-fails-open", "a list of variables without which nothing starts"): "it does not start",
    ("api-key-unset-fails-open", "goes on where no key is set"): "no route of the example can be read",
    (
        "cors-any-origin-with-credentials",
        "a star and credentials by hand",
    ): "browsers refuse the two together, and the probe sends an origin of its own",
    (
        "exception-text-in-response",
        "One handler hands on to another, which says nothing",
    ): "it imports a module that the example leaves out",
    (
        "exception-text-in-response",
        "an exception of the project carries the text to its handler",
    ): "the honest request fails too, so there is no baseline",
    (
        "exception-text-in-response",
        "the second of two that a function gives back",
    ): "the honest request fails too, so there is no baseline",
    (
        "exception-text-in-response",
        "behind a test of what the caller sent, which is no switch",
    ): "what the example calls is left out, and fails in another way",
    (
        "exception-text-in-response",
        "a job's failure, kept for whoever asks about the job",
    ): "it imports a module that the example leaves out",
    (
        "exception-text-in-response",
        "a job that has failed, and no more",
    ): "it imports a module that the example leaves out",
    (
        "exception-text-in-response",
        "what the database says, and more data beside a refusal",
    ): "it imports libraries that are not installed here",
    (
        "exception-text-in-response",
        "a store's own exception, with what the database said in a field",
    ): "it imports a module that the example leaves out",
    (
        "exception-text-in-response",
        "a store's own exception, with words of ours in the field",
    ): "it imports a module that the example leaves out",
    (
        "exception-text-in-response",
        "what Flask-RESTX answers where nobody else does",
    ): "it imports a module that the example leaves out",
    (
        "exception-text-in-response",
        "what Flask-RESTX answers, and the text goes to the log",
    ): "it imports a module that the example leaves out",
    ("exception-text-in-response", "what a 500 was made of"): "no route of the example fails",
    ("api-key-unset-fails-open", "another header is asked for first"): "the other header is unknown to the probe",
    (
        "api-key-unset-fails-open",
        "the view is called where the setting is None",
    ): "no route of the example can be read",
    (
        "api-key-unset-fails-open",
        "an empty text is what was not set",
    ): "the key stands in the query, and the probe varies headers",
    (
        "api-key-unset-fails-open",
        "an answer that is yes without a key",
    ): "no route of the example can be read",
    ("config-dump-in-response", "the template of a compose file"): "it is no application",
    (
        "cors-any-origin-with-credentials",
        "every origin in debug mode alone",
    ): "it reads a file of secrets that is not there",
}
"""Cases that a probe cannot see, with the reason."""
NOT_INSTALLED = ("authlib", "marshmallow", "pydantic_settings", "flask_sqlalchemy")
_numbers = itertools.count(1)


def _cases() -> Iterator[Any]:
    for slug in PROBED:
        rule = find(slug)
        assert rule is not None
        for example in page(rule).cases:
            text = "".join(text for _, text in example.files)
            if (slug, example.title) not in UNREACHABLE and not any(name in text for name in NOT_INSTALLED):
                yield pytest.param(rule, example, id=f"{slug}-{example.kind}-{example.title}")


def imported(example: Example, folder: Path, patch: pytest.MonkeyPatch) -> Flask:
    """The example's app, with the environment variables that it cannot start without and with a route where it has none."""
    text = dict(example.files)["app.py"]
    for name in re.findall(r"os\.environ\[[\"'](\w+)[\"']\]", text):
        patch.setenv(name, "set-for-this-test-only")
    for name, said in example.files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(said, encoding="utf-8")
    patch.syspath_prepend(folder)
    patch.chdir(folder)  # a file that the example makes lies beside it
    title = f"batch_a_example_{next(_numbers)}"
    spec = importlib.util.spec_from_file_location(title, folder / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    patch.setitem(sys.modules, title, module)
    spec.loader.exec_module(module)
    for name, one in list(sys.modules.items()):
        if str(getattr(one, "__file__", None) or "").startswith(str(folder)) and name != title:
            del sys.modules[name]  # the next example has modules of the same names
    app: Flask = getattr(module, "app", None) or module.create_app()
    if not [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]:
        app.add_url_rule("/api/added", view_func=lambda: {"ok": True})
    return app


@pytest.mark.parametrize(("rule", "example"), list(_cases()))
def test_probe_agrees_with_every_case(
    rule: Rule, example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every bad case that can be reached is convicted with a control first; no good case is."""
    app = imported(example, tmp_path, monkeypatch)
    verdict = try_rule(rule, app, root=tmp_path, source=read_source((tmp_path,), tmp_path).app)
    if example.kind == "bad":
        assert verdict.outcome == "fail", verdict.message
        assert verdict.routes
        assert verdict.evidence
    else:
        assert verdict.outcome != "fail", verdict.message


def answer(text: str, *headers: tuple[str, str]) -> Response:
    """A good answer with that body."""
    return Response(200, headers, text.encode())


def test_four_settings_with_values_are_a_dump_and_their_names_alone_are_none() -> None:
    """Judged by names with values, whatever the form; a list of names gives nothing away."""
    names = ("SECRET_KEY", "SERVER_NAME", "APPLICATION_ROOT", "SESSION_COOKIE_NAME")
    for form in ("{}='x'", '"{}": "x"', "'{}': 'x'", "&#39;{}&#39;: &#39;x&#39;", "<tr><td>{}</td><td>x</td></tr>"):
        assert config_dump_in_response.dumps(answer(" ".join(form.format(name) for name in names))), form
        assert not config_dump_in_response.dumps(answer(" ".join(form.format(name) for name in names[:3]))), form
    assert not config_dump_in_response.dumps(answer(str(list(names))))
    assert not config_dump_in_response.dumps(answer(" ".join(f"{name}: tells Flask what to do." for name in names)))


def test_the_environment_is_told_by_its_search_path() -> None:
    """Two variables beside a PATH of folders are the environment; a member called "path" is not."""
    assert config_dump_in_response.dumps(answer('{"PATH": "/usr/local/bin:/usr/bin", "HOME": "/root", "PWD": "/"}'))
    assert not config_dump_in_response.dumps(answer('{"path": "/usr/local/bin", "home": "/root", "lang": "en"}'))
    assert not config_dump_in_response.dumps(answer('{"PATH": "/notes", "HOME": "/", "LANG": "en"}'))


@pytest.mark.parametrize(
    "text",
    [
        "invalid literal for int() with base 10: 'x'",
        "'NoneType' object is not subscriptable",
        "list indices must be integers or slices, not str",
        '(sqlite3.OperationalError) near "x": syntax error',
        "ValueError('bad')",
        "[Errno 2] No such file or directory: '/srv/notes'",
    ],
)
def test_texts_of_exceptions_are_known(text: str) -> None:
    """How Python and its drivers put a failure is seen inside a JSON answer."""
    assert exception_texts.exception_text(f'{{"error": "{text}"}}') is not None


@pytest.mark.parametrize(
    "text",
    [
        "an error occurred",
        "ValueError",
        "page must be a number",
        "internal server error",
        "Error: (see the manual)",
        "HTTPException",
    ],
)
def test_words_about_errors_are_no_texts_of_exceptions(text: str) -> None:
    """The word "error" or the name of a class alone is not what a library wrote."""
    assert exception_texts.exception_text(f'{{"error": "{text}"}}') is None


def test_a_refusal_in_words_is_no_entrance() -> None:
    """An answer that says no although its status is 200 does not count as let in."""
    denies = any_bearer_token_accepted.denies
    assert denies(answer('{"active": false}'))
    assert denies(answer('{"error": "bad token"}'))
    assert denies(answer('<form><input name="p" type="password"></form>'))
    assert not denies(answer('{"notes": [], "error": null, "active": true}'))
    assert not denies(answer("<p>your notes</p>"))


def test_hsts_is_asked_for_over_https_only() -> None:
    """Browsers ignore the header over plain HTTP, and an age of zero takes it back."""
    careful = (("X-Content-Type-Options", "nosniff"), ("Content-Type", "application/json"))
    missing = security_headers_missing.missing_headers
    assert missing(answer("{}", *careful), secure=False) == ()
    assert missing(answer("{}", *careful), secure=True) == ("Strict-Transport-Security",)
    assert missing(answer("{}", *careful, ("Strict-Transport-Security", "max-age=0")), secure=True) != ()
    assert missing(answer("{}", *careful, ("Strict-Transport-Security", "max-age=31536000")), secure=True) == ()


def test_a_page_needs_a_referrer_policy_that_browsers_know() -> None:
    """A word that no browser knows counts as nothing; the last known one of a list counts."""
    page_headers = (("X-Content-Type-Options", "nosniff"), ("Content-Type", "text/html; charset=utf-8"))
    missing = security_headers_missing.missing_headers
    assert missing(answer("<p>", *page_headers, ("Referrer-Policy", "never")), secure=False) == ("Referrer-Policy",)
    assert missing(answer("<p>", *page_headers, ("Referrer-Policy", "never, same-origin")), secure=False) == ()


@pytest.mark.parametrize("key", ["notes-dev-key", b"\x00\xff bytes"])
def test_a_session_cookie_tells_which_key_signed_it(key: str | bytes) -> None:
    """Flask's own signature is recognised under the right key and under no other."""
    app = Flask(__name__)
    app.secret_key = key

    @app.get("/")
    def index() -> str:
        session["user"] = "alice"
        return "ok"

    given = app.test_client().get("/")
    response = Response(200, tuple(given.headers.items()))
    cookie = _cookie_of(response)
    assert cookie is not None
    assert flask_cookie.signs_cookie(Secret(key), cookie)
    assert not flask_cookie.signs_cookie(Secret("notes-dev-kex"), cookie)
    assert not flask_cookie.signs_cookie(Secret(key), cookie[:-1] + ("A" if cookie[-1] != "A" else "B") + "!")


def _cookie_of(response: Response) -> str | None:
    said = [one for one in response.all_headers("Set-Cookie") if one.startswith("session=")]
    return said[0].removeprefix("session=").partition(";")[0] if said else None


@given(st.text(), st.binary())
def test_no_answer_of_a_server_makes_a_judge_stumble(text: str, raw: bytes) -> None:
    """Whatever bytes come, each judge says yes or no."""
    for body in (text.encode("utf-8", "surrogatepass"), raw):
        response = Response(200, (("Set-Cookie", text), ("Content-Type", text), ("Referrer-Policy", text)), body)
        assert config_dump_in_response.dumps(response) in (True, False)
        assert any_bearer_token_accepted.denies(response) in (True, False)
        assert exception_texts.exception_text(response.text) is None or response.text
        assert isinstance(security_headers_missing.missing_headers(response, secure=True), tuple)
        cookie = _cookie_of(response) or text
        assert not flask_cookie.signs_cookie(Secret("a key that signed nothing"), cookie)
