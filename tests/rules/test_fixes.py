"""What a fix leaves: a file that parses and runs as before, a rule that is silent, and no new finding of any other rule."""

import ast
import re
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.rules.test_pages import RULES, apply, hits, imported, read

from stopper.core.app import App
from stopper.core.rule import Edit, Rule
from stopper.scan.catalogue import Example, page
from stopper.scan.engine import run_detectors
from stopper.scan.reports.patch import patched

_ENVIRONMENT = re.compile(r"os\.environ\[[\"'](\w+)[\"']\]")
DETECTING = [rule for rule in RULES if rule.detect is not None]


REFUSING = frozenset({"auth-check-has-no-effect", "jwt-optional-on-sensitive-route", "jwt-required-above-route"})
"""What these mend is that strangers are served: afterwards they are refused."""
BRINGS_TO_LIGHT = {
    "sql-injection": frozenset({"role-from-request"}),
    "jwt-signature-not-verified": frozenset({"jwt-audience-issuer-unchecked", "jwt-claims-not-required"}),
    "jwt-verification-disabled-indirectly": frozenset({"jwt-audience-issuer-unchecked", "jwt-claims-not-required"}),
    "jwt-claim-checks-disabled": frozenset({"jwt-audience-issuer-unchecked", "jwt-claims-not-required"}),
    "jwt-optional-on-sensitive-route": frozenset({"object-lookup-without-owner"}),
    "auth-check-has-no-effect": frozenset({"api-key-presence-only"}),
    "secret-in-exception-message": frozenset({"api-key-presence-only"}),
}
"""What is asked only of tokens whose signature or claims are checked, whose a thing is and what a credential is asked only behind a guard, and what a
query is told by its values."""
NOT_INSTALLED = ("flask_wtf", "flask_limiter", "flask_session", "flask_talisman", "sentry_sdk", "bcrypt")


def _examples(*, runs: bool) -> Iterator[Any]:
    for rule in RULES:
        if rule.fix is not None:
            told = page(rule)
            for example in (told.bad, *(() if runs else told.cases)):
                if example.kind == "bad" and not (runs and _needs_what_is_not_here(example)):
                    yield pytest.param(rule, example, id=f"{rule.slug}-{example.title}")


def _needs_what_is_not_here(example: Example) -> bool:
    """That it imports one of the libraries that no test installs: such an example is read and never run."""
    text = "\n".join(text for _, text in example.files)
    return any(re.search(rf"^\s*(?:from|import) {name}\b", text, re.MULTILINE) for name in NOT_INSTALLED)


def _edits(rule: Rule, model: App, folder: Path | None = None) -> list[Edit]:
    """The edits for the hits; with *folder* those alone that have a place in its files."""
    assert rule.fix is not None
    return [
        edit for hit in hits(rule, model) if (edit := rule.fix(model, hit)) is not None and _has_place(edit, folder)
    ]


def _has_place(edit: Edit, folder: Path | None) -> bool:
    """Whether a part of a statement is no value, and of what something is a part, shows in the text alone, so a rule cannot say; every other edit has to have a place."""
    if folder is None or edit.how not in ("bound", "left-out"):
        return True
    source = (folder / edit.span.path).read_bytes().decode()
    return patched(source, [edit]) != source


def _told(model: App) -> Counter[str]:
    return Counter(result.rule.slug for result in run_detectors(model, DETECTING) for _ in result.hits)


@pytest.mark.parametrize(("rule", "example"), list(_examples(runs=False)))
def test_each_edit_mends_a_hit_wakes_no_rule_and_is_made_once(rule: Rule, example: Example, tmp_path: Path) -> None:
    before = read(example, tmp_path)
    edits = _edits(rule, before, tmp_path)
    if not edits:
        return
    found, told = len(hits(rule, before)), _told(before)
    apply(edits, tmp_path)
    for path in {edit.span.path for edit in edits if edit.span.path.endswith(".py")}:
        ast.parse((tmp_path / path).read_text(encoding="utf-8"))
    after = reread(tmp_path)
    assert len(hits(rule, after)) == found - len({edit.span for edit in edits}), "an edit that mends nothing"
    assert not _edits(rule, after, tmp_path), "a second pass finds more to do"
    assert (_told(after) - told).keys() <= BRINGS_TO_LIGHT.get(rule.slug, frozenset()), "another rule speaks now"


@pytest.mark.filterwarnings("ignore")  # what a leaky example warns of is its own affair
@pytest.mark.parametrize(("rule", "example"), list(_examples(runs=True)))
def test_the_mended_app_answers_its_pages_as_before(
    rule: Rule, example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket.socket, "connect", _nowhere)
    monkeypatch.setattr(socket, "getaddrinfo", _nowhere)
    old, new = tmp_path / "old", tmp_path / "new"
    read(example, old)
    edits = _edits(rule, read(example, new))
    apply(edits, new)
    texts = [path.read_text(encoding="utf-8") for path in new.rglob("*.py")]
    for name in {name for text in texts for name in _ENVIRONMENT.findall(text)}:
        monkeypatch.setenv(name, "of-this-test-and-nowhere-else-0001")
    before, after = answers(example, old), answers(example, new)
    assert before.keys() == after.keys()
    if rule.slug in REFUSING:
        assert 401 in after.values()
        before = {page: said for page, said in before.items() if after[page] != 401}
    assert {page: after[page] for page, said in before.items() if said != 500} == {
        page: said for page, said in before.items() if said != 500
    }


FIXING = [rule for rule in DETECTING if rule.fix is not None]


def _all_edits(model: App, folder: Path) -> list[tuple[str, Edit]]:
    found = run_detectors(model, FIXING)
    hurt = [(one.rule, hit) for one in found for hit in one.hits if hit.span is not None]
    made = [(rule.slug, edit) for rule, hit in hurt if rule.fix is not None and (edit := rule.fix(model, hit))]
    return [(slug, edit) for slug, edit in made if _has_place(edit, folder)]


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.slug) for rule in DETECTING])
def test_all_edits_of_an_example_are_made_together_and_once(rule: Rule, tmp_path: Path) -> None:
    told = page(rule)
    for number, example in enumerate((told.bad, told.good, *told.cases)):
        folder = tmp_path / str(number)
        first = _all_edits(read(example, folder), folder)
        apply([edit for _, edit in first], folder)
        again = _all_edits(reread(folder), folder)
        # What one edit brings to light (a guard that is called now) may have a mend of its own; no rule has more to do.
        assert {slug for slug, _ in again}.isdisjoint(slug for slug, _ in first), example.title
        apply([edit for _, edit in again], folder)
        assert not again or not _all_edits(reread(folder), folder), example.title


MANY = """from flask import Flask, make_response
import requests

app = Flask(__name__)
app.config.update(SECRET_KEY="zq81-kkwl-pppo-9912-mmab", DEBUG=True)


@app.get("/")
def index():
\tanswer = make_response("é")
\tanswer.set_cookie(
\t\t"é-session", requests.get("https://a.example/é", headers={"X-API-Key": "é" + app.config["KEY"]}, verify=False).text,  # é, why
\t)
\treturn answer


app.run(debug=True)"""


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_edits_of_several_rules_compose_and_keep_line_ends_tabs_and_a_missing_last_one(
    ending: str, tmp_path: Path
) -> None:
    file = tmp_path / "app.py"
    file.write_bytes(MANY.replace("\n", ending).encode())
    model, fixing = reread(tmp_path), [rule for rule in RULES if rule.fix is not None]
    by_rule = {rule.slug: edits for rule in fixing if (edits := _edits(rule, model))}
    assert by_rule.keys() >= {
        "outbound-timeout-missing", "credential-follows-redirect", "cookie-flags-missing", "secret-key-hardcoded",
        "debug-enabled", "debug-enabled-in-config", "tls-verification-disabled",
    }  # fmt: skip
    text = file.read_bytes().decode()
    made = patched(text, [edit for edits in by_rule.values() for edit in edits])
    file.write_bytes(made.encode())
    assert made.count("\n") == made.count(ending) == text.count("\n") + 1  # `import os`
    assert made.endswith("app.run(debug=False)")
    assert "allow_redirects=False, timeout=10" in made
    assert not [edit for rule in fixing for edit in _edits(rule, reread(tmp_path))]


ODD = {
    "exception-text-in-response": """from flask import Flask
app = Flask(__name__)
@app.get("/")
def index():
    try: return {"n": int("x")}
    except Exception as e: return {"error": str(e)}, 500
""",
    "token-response-cacheable": """import secrets
from flask import Flask
from flask_restful import Api, Resource
app = Flask(__name__)
@app.post("/token")
def token():
    return {"access_token": secrets.token_hex(32)}
class Token(Resource):
    def post(self):
        return {"access_token": secrets.token_hex(32)}
Api(app).add_resource(Token, "/other")
""",
    "jwt-issued-without-expiry": """from time import time
import jwt
from flask import Flask, request
app = Flask(__name__)
@app.post("/login")
def login():
    return jwt.encode({"sub": request.json["user"], "at": time()}, app.config["KEY"], algorithm="HS256")
""",
    "request-size-unlimited": """from flask import Flask, request
def create_app():
    app = Flask(__name__); app.debug = False
    @app.post("/")
    def index():
        return {"n": len(request.get_json())}
    return app
""",
    "jwt-secret-hardcoded": """from jwt import decode as os
from flask import Flask, request
app = Flask(__name__)
@app.get("/me")
def me():
    return os(request.headers["X-Token"], "blue-kettle-42", algorithms=["HS256"])
""",
    "credential-logged": """from flask import Flask, request
app = Flask(__name__)
@app.get("/")
def index():
    app.logger.info("é %s" % request.headers["Authorization"])
    app.logger.info("%(key)s", {"key": request.headers["Authorization"]})
    return {}
""",
    "api-key-plaintext-membership-test": """import os
from flask import Flask, abort, request
app = Flask(__name__)
API_KEYS = os.environ["API_KEYS"].split(",")
@app.get("/")
def index():
    one = request.headers.get("X-Api-Key")
    if one not in API_KEYS: abort(401)
    if (key := request.headers.get("X-Api-Key")) not in API_KEYS: abort(401)
    return {"n": len(key)}
""",
    "error-handler-scope-wrong": """from flask import Flask
app = Flask(__name__)
@app.errorhandler(Exception)
def failed(e): \\
    return {"error": "failed"}, 500
""",
}  # fmt: skip


@pytest.mark.parametrize("slug", sorted(ODD))
def test_where_an_edit_would_break_the_file_there_is_none(slug: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(ODD[slug], encoding="utf-8")
    rule = next(rule for rule in RULES if rule.slug == slug)
    model = reread(tmp_path)
    assert hits(rule, model)
    assert patched(ODD[slug], _edits(rule, model)) == ODD[slug]


def test_a_name_that_github_keeps_for_itself_is_given_to_no_secret(tmp_path: Path) -> None:
    (tmp_path / ".github/workflows").mkdir(parents=True)
    lines = "on: push\njobs:\n  go:\n    env:\n      {}: f8Zk39sLq02mXw77aa\n    steps:\n      - run: ./go\n"
    rule = next(rule for rule in RULES if rule.slug == "credential-in-ci-config")
    edits: list[int] = []
    for name in ("GITHUB_TOKEN", "DEPLOY_TOKEN"):
        (tmp_path / ".github/workflows/go.yml").write_text(lines.format(name), encoding="utf-8")
        model = reread(tmp_path)
        assert hits(rule, model)
        edits.append(len(_edits(rule, model)))
    assert edits == [0, 1]


def _nowhere(*_: object, **__: object) -> Any:
    raise OSError("no network here")


def reread(folder: Path) -> App:
    from stopper.scan.source.read import read_source

    again = read_source((folder,), folder)
    assert not again.errors, again.errors
    return again.app


def answers(example: Example, folder: Path) -> dict[str, int | str]:
    """Each page that needs no argument, with the status it answers or the error it raises."""
    given: dict[str, int | str] = {}
    with imported(folder, example) as app:
        for rule in app.url_map.iter_rules():
            if not rule.arguments and "GET" in (rule.methods or ()):
                try:
                    given[rule.rule] = app.test_client().get(rule.rule).status_code
                except Exception as wrong:
                    given[rule.rule] = type(wrong).__name__
            else:
                given[rule.rule] = "not asked"
    return given
