"""The access matrix shows who got in, and its asserts say what is wrong."""

import flask
import pytest

from stopper.testing import AccessMatrix, assert_sealed, make_access_matrix
from stopper.testing.access_matrix import url_of


@pytest.fixture
def app() -> flask.Flask:
    """Notes for people with a token, one page for all, one for the logged in, one that breaks."""
    app = flask.Flask("notes")
    app.secret_key = "kept-6f1b2c9d8e7a-apart"

    def person() -> str:
        name = flask.request.headers.get("Authorization", "").removeprefix("Bearer ")
        return name if name in ("alice", "admin") else flask.abort(401)

    @app.get("/health")
    def health() -> str:
        return "ok"

    @app.get("/notes/<int:number>")
    def note(number: int) -> str:
        person()
        return "note" if number == 7 else flask.abort(404)

    @app.delete("/notes/<int:number>")
    def delete(number: int) -> str:
        return "gone" if person() == "admin" else flask.abort(403)

    @app.get("/page")
    def page() -> flask.typing.ResponseReturnValue:
        return "page" if flask.session.get("user") else flask.redirect("/login?next=/page")

    @app.route("/login", methods=["GET", "POST"])
    def login() -> str:
        flask.session["user"] = "somebody"
        return "in"

    @app.get("/broken")
    def broken() -> str:
        raise ValueError("broken")

    return app


@pytest.fixture
def matrix(app: flask.Flask) -> AccessMatrix:
    people = {
        "nobody": None,
        "alice": "alice",
        "admin": {"Authorization": "Bearer admin"},
        "visitor": lambda client: client.post("/login"),
    }
    return make_access_matrix(app, people, arguments={"number": 7})


@pytest.mark.feature("F74")
@pytest.mark.parametrize(
    ("route", "who"),
    [
        ("GET /health", {"nobody", "alice", "admin", "visitor"}),
        ("GET /notes/<int:number>", {"alice", "admin"}),
        ("DELETE /notes/<int:number>", {"admin"}),
        ("GET /page", {"visitor"}),
        ("GET /broken", {"nobody", "alice", "admin", "visitor"}),
    ],
)
def test_who_got_in(matrix: AccessMatrix, route: str, who: set[str]) -> None:
    assert matrix.who(route) == who


def test_what_each_reaches(matrix: AccessMatrix) -> None:
    assert matrix.reach("admin") - matrix.reach("alice") == {"DELETE /notes/<int:number>"}
    assert matrix.status("alice", "DELETE /notes/<int:number>") == 403


def test_an_open_route_is_named(matrix: AccessMatrix) -> None:
    with pytest.raises(AssertionError, match=r"nobody got past GET /broken \(500\)"):
        matrix.assert_closed_to("nobody", but=["GET /health", "GET /login", "POST /login"])
    matrix.assert_closed_to("nobody", but=["GET /health", "GET /login", "POST /login", "GET /broken"])


def test_two_who_should_be_equal_are_compared(matrix: AccessMatrix) -> None:
    with pytest.raises(AssertionError, match="alice and admin differ at DELETE /notes"):
        matrix.assert_same("alice", "admin")
    matrix.assert_same("alice", "admin", but=["DELETE /notes/<int:number>"])


def test_a_route_or_a_name_that_is_not_there_is_an_error(matrix: AccessMatrix, app: flask.Flask) -> None:
    with pytest.raises(AssertionError, match="there is no route 'GET /nots'"):
        matrix.who("GET /nots")
    with pytest.raises(AssertionError, match="nobody is called 'bob'"):
        matrix.reach("bob")
    with pytest.raises(AssertionError, match="there is no route GET /nots"):
        make_access_matrix(app, {"nobody": None}, routes=["GET /nots"])


def test_it_prints_as_a_table(matrix: AccessMatrix) -> None:
    lines = str(matrix).splitlines()
    assert lines[0].split() == ["nobody", "alice", "admin", "visitor"]
    assert "DELETE /notes/<int:number>  401-    403-   200    401-" in lines


def test_exceptions_that_come_through_are_shown(app: flask.Flask) -> None:
    app.testing = True
    matrix = make_access_matrix(app, {"nobody": None}, routes=["GET /broken"])
    assert matrix.cells[0].outcome == "failed"
    assert "raised!" in str(matrix)


@pytest.mark.parametrize(
    ("rule", "url"),
    [
        ("/a/<int:n>/<name>", "/a/1/x"),
        ("/a/<any(up, down):way>", "/a/up"),
        ("/a/<uuid:n>", "/a/00000000-0000-4000-8000-000000000000"),
        ("/a/<string(length=2):code>/<float:f>", "/a/x/1.5"),
        ("/a/<path:where>", "/a/x/y"),
    ],
)
def test_urls_are_filled(rule: str, url: str) -> None:
    assert url_of(rule, {}) == url


def test_without_the_guard_every_route_is_asked(app: flask.Flask) -> None:
    with pytest.raises(AssertionError, match="GET /broken"):
        assert_sealed(app, public=["GET /health", "GET /login", "POST /login"])
    assert_sealed(app, public=["GET /health", "GET /login", "POST /login", "GET /broken"])


def test_a_public_route_that_is_not_there_is_an_error(app: flask.Flask) -> None:
    with pytest.raises(AssertionError, match="there is no route 'GET /gone'"):
        assert_sealed(app, public=["GET /gone"])


def test_with_the_guard_its_table_decides() -> None:
    from tests.extension.made import Made

    from stopper import bearer, public

    made = Made()
    made.route("/health", public)
    made.route("/notes", bearer)
    assert_sealed(made.app, public=["GET /health"])
    with pytest.raises(AssertionError, match=r"public and not in the list:\n.*GET +/health"):
        assert_sealed(made.app)
    made.app.add_url_rule("/late", "late", lambda: "late")
    with pytest.raises(AssertionError, match="/late"):
        assert_sealed(made.app, public=["GET /health"])
    assert made.ran == []


def test_as_a_fixture(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        "import flask\n"
        "def test_it(access_matrix):\n"
        "    app = flask.Flask('x')\n"
        "    app.add_url_rule('/', 'x', lambda: flask.abort(401))\n"
        "    access_matrix(app, {'nobody': None}).assert_closed_to('nobody')\n"
    )
    inner.runpytest_inprocess().assert_outcomes(passed=1)
