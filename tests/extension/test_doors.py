"""Every route is closed until it says who may pass, and nothing that happens later opens one."""

import functools
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView, View
from tests.auth.token_smith import hs256
from tests.extension.made import Made, bearer_header, issuer

from stopper import PolicyError, Stopper, UndeclaredRouteError, api_key, bearer, public, scope
from stopper.extension.table import Row, route_table


@pytest.fixture
def made() -> Made:
    return Made()


def noted(made: Made, name: str) -> Callable[..., str]:
    def view(**arguments: Any) -> str:
        made.ran.append(name)
        return name

    view.__name__ = name
    return view


def closed(made: Made, path: str, method: str = "GET") -> bool:
    """Whether a stranger gets nothing there and no view runs."""
    before = list(made.ran)
    answer = made.get(path, method=method)
    return answer.status_code in (401, 404, 503) and made.ran == before


class TestUndeclared:
    def test_one_undeclared_route_closes_the_whole_application_and_prints_the_table(
        self, made: Made, caplog: pytest.LogCaptureFixture
    ) -> None:
        made.route("/declared", public)
        made.app.add_url_rule("/forgotten/<int:number>", "forgotten", noted(made, "forgotten"), methods=["GET", "POST"])
        for path in ("/declared", "/forgotten/1", "/nowhere", "/static/x"):
            for method in ("GET", "POST", "OPTIONS", "HEAD"):
                assert made.get(path, method=method).status_code == 503
        assert made.ran == []
        text = caplog.text
        assert "/forgotten/<int:number>" in text
        assert "forgotten  UNDECLARED" in text
        assert "/declared" not in text
        assert text.count("answers 503") == 1

    def test_seal_raises_with_the_table(self, made: Made) -> None:
        made.route("/declared", public)
        made.app.add_url_rule("/forgotten", "forgotten", noted(made, "forgotten"))
        with pytest.raises(UndeclaredRouteError, match=r"1 route\(s\) of made") as caught:
            made.stopper.seal()
        assert caught.value.table == "  GET  /forgotten  forgotten  UNDECLARED"

    def test_seal_passes_when_all_is_declared(self, made: Made) -> None:
        made.route("/declared", bearer)
        made.stopper.seal()

    def test_an_empty_application_seals(self, made: Made) -> None:
        made.stopper.seal()


class TestDecoratorOrder:
    """vimalloc/flask-jwt-extended#565: the guard above the route left it public without a word."""

    def test_the_policy_may_stand_above_the_route(self, made: Made) -> None:
        @bearer
        @made.app.get("/above")
        def above() -> str:
            made.ran.append("above")
            return ""

        assert closed(made, "/above")
        assert made.get("/above", bearer_header()).status_code == 200

    def test_a_decorator_with_wraps_between(self, made: Made) -> None:
        def timed(view: Any) -> Any:
            @functools.wraps(view)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                made.ran.append("wrapper")
                return view(*args, **kwargs)

            return wrapper

        @made.app.get("/wrapped")
        @timed
        @bearer
        def wrapped() -> str:
            return ""

        assert closed(made, "/wrapped")
        assert made.get("/wrapped", bearer_header()).status_code == 200

    def test_a_decorator_without_wraps_loses_the_policy_and_so_closes(self, made: Made) -> None:
        def careless(view: Any) -> Any:
            return lambda **kwargs: view(**kwargs)

        made.app.add_url_rule("/lost", "lost", careless(bearer(noted(made, "lost"))))
        assert made.get("/lost", bearer_header()).status_code == 503
        assert made.ran == []


class TestMethods:
    def test_options_that_the_view_lists_is_guarded(self, made: Made) -> None:
        """Flask-JWT-Extended runs the view of a route that lists OPTIONS without any token."""
        made.route("/listed", bearer, "listed", methods=["GET", "OPTIONS"])
        made.route("/off", bearer, "off", methods=["OPTIONS"], provide_automatic_options=False)
        assert closed(made, "/listed", "OPTIONS")
        assert closed(made, "/off", "OPTIONS")
        assert made.get("/listed", bearer_header(), method="OPTIONS").status_code == 200

    def test_automatic_options_never_reaches_the_view(self, made: Made) -> None:
        made.route("/auto", bearer, "auto", methods=["GET", "POST"])
        answer = made.get("/auto", method="OPTIONS")
        assert answer.status_code == 200
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
        assert made.ran == []

    def test_head_is_guarded_as_get(self, made: Made) -> None:
        made.route("/get", bearer, "get")
        assert closed(made, "/get", "HEAD")
        assert made.get("/get", bearer_header(), method="HEAD").status_code == 200

    def test_a_method_that_is_not_there_stays_405(self, made: Made) -> None:
        made.route("/get", bearer, "get")
        answer = made.get("/get", method="DELETE")
        assert answer.status_code == 405
        assert "GET" in answer.headers["Allow"]
        assert answer.content_type == "application/problem+json"

    @pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
    def test_override_headers_and_fields_change_nothing(self, made: Made, name: str) -> None:
        made.route("/get", public, "reads")
        made.route("/write", bearer, "writes", methods=["POST", "DELETE"])
        assert made.get("/write", (name, "GET"), method="POST").status_code == 401
        assert made.get("/write?_method=GET", method="POST", data={"_method": "OPTIONS"}).status_code == 401
        assert made.get("/get", (name, "DELETE")).status_code == 200
        assert made.ran == ["reads"]

    @pytest.mark.parametrize(
        "method", ["get", "Get", "GET ", "FOO", "TRACE", "CONNECT", "PROPFIND", "M-SEARCH", "a" * 500]
    )
    def test_odd_methods_reach_no_view(self, made: Made, method: str) -> None:
        made.route("/get", bearer, "get", methods=["GET", "POST"])
        answer = made.app.test_client().open("/get", environ_overrides={"REQUEST_METHOD": method})
        assert answer.status_code in (401, 405)
        assert made.ran == []


class TestPaths:
    """CVE-2026-33494 and Kener 4.1.9: the decision hangs on the endpoint, so no spelling of a path gets around it."""

    @pytest.mark.parametrize(
        "path",
        ["/admin", "/admin/", "//admin", "/./admin", "/x/../admin", "/%61dmin", "/%2e/admin", "/admin%2f", "/admin;x", "/ADMIN", "/admin%00",
         "/admin?x", "/admin#x", "/public/../admin", "/public/..;/admin", "/public%2f..%2fadmin", "\\admin", "/admin%20", "/admin//", "/%2561dmin"],
    )  # fmt: skip
    def test_no_spelling_opens_a_closed_route(self, made: Made, path: str) -> None:
        made.route("/admin", bearer, "admin")
        made.route("/public", public, "public")
        made.route("/slashed/", bearer, "slashed")
        assert made.get(path).status_code in (308, 400, 401, 404)
        assert "admin" not in made.ran

    def test_a_redirect_for_a_slash_runs_nothing(self, made: Made) -> None:
        made.route("/slashed/", bearer, "slashed")
        answer = made.get("/slashed")
        assert answer.status_code == 308
        assert answer.headers["Location"].endswith("/slashed/")
        assert closed(made, "/slashed/")

    def test_two_rules_of_one_endpoint_are_both_guarded(self, made: Made) -> None:
        made.route("/one", bearer, "both")
        made.app.add_url_rule("/two/<user>", "both", made.app.view_functions["both"])
        made.app.add_url_rule("/three", "both")
        assert closed(made, "/one")
        assert closed(made, "/two/x")
        assert closed(made, "/three")

    def test_an_unmatched_url_is_a_plain_404(self, made: Made) -> None:
        answer = made.get("/nowhere", ("Authorization", "x"))
        assert answer.status_code == 404
        assert "WWW-Authenticate" not in answer.headers


class TestViewClasses:
    def test_a_class_carries_one_policy_and_a_method_may_have_its_own(self, made: Made) -> None:
        @bearer
        class Notes(MethodView):
            @public
            def get(self) -> str:
                made.ran.append("get")
                return ""

            @(bearer & scope("write"))
            def post(self) -> str:
                made.ran.append("post")
                return ""

            def delete(self) -> str:
                made.ran.append("delete")
                return ""

        made.app.add_url_rule("/notes", view_func=Notes.as_view("notes"))
        assert made.get("/notes").status_code == 200
        assert made.get("/notes", method="HEAD").status_code == 200
        assert closed(made, "/notes", "DELETE")
        assert closed(made, "/notes", "POST")
        assert made.get("/notes", bearer_header(), method="POST").status_code == 403
        assert made.get("/notes", bearer_header(scope="write"), method="POST").status_code == 200
        assert made.get("/notes", bearer_header(), method="DELETE").status_code == 200
        guard = made.app.extensions["stopper"]
        assert guard.policies["notes"] == {"GET": "public", "POST": 'bearer & scope("write")', "DELETE": "bearer"}

    def test_head_of_a_class_with_its_own_head(self, made: Made) -> None:
        class Pair(MethodView):
            @public
            def get(self) -> str:
                return ""

            @bearer
            def head(self) -> str:
                made.ran.append("head")
                return ""

        made.app.add_url_rule("/pair", view_func=Pair.as_view("pair"))
        assert made.get("/pair").status_code == 200
        assert closed(made, "/pair", "HEAD")

    def test_decorators_of_the_class_count(self, made: Made) -> None:
        class Notes(MethodView):
            decorators = [bearer]  # noqa: RUF012 - the way Flask documents it

            def get(self) -> str:
                made.ran.append("get")
                return ""

        made.app.add_url_rule("/notes", view_func=Notes.as_view("notes"))
        assert closed(made, "/notes")

    def test_one_method_without_a_policy_closes_the_application(self, made: Made) -> None:
        class Notes(MethodView):
            @bearer
            def get(self) -> str:
                return ""

            def post(self) -> str:
                return ""

        made.app.add_url_rule("/notes", view_func=Notes.as_view("notes"))
        with pytest.raises(UndeclaredRouteError, match="POST  /notes"):
            made.stopper.seal()

    def test_a_class_and_its_decorators_cannot_disagree(self, made: Made) -> None:
        @bearer
        class Notes(View):
            decorators = [public]  # noqa: RUF012 - the way Flask documents it

            def dispatch_request(self) -> str:
                return ""

        made.app.add_url_rule("/notes", view_func=Notes.as_view("notes"))
        with pytest.raises(PolicyError, match="two policies"):
            made.stopper.seal()
        assert made.get("/notes").status_code == 503

    def test_an_inherited_policy_stays(self, made: Made) -> None:
        @bearer
        class Parent(View):
            def dispatch_request(self) -> str:
                made.ran.append("parent")
                return ""

        class Child(Parent):
            pass

        made.app.add_url_rule("/child", view_func=Child.as_view("child"))
        assert closed(made, "/child")

    def test_the_way_that_flask_restful_registers(self, made: Made) -> None:
        """A library that wraps `as_view` with functools.wraps keeps the class, and so its policies."""

        class Resource(MethodView):
            @bearer
            def get(self) -> str:
                made.ran.append("get")
                return ""

        def output(resource: Any) -> Any:
            @functools.wraps(resource)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                return resource(*args, **kwargs)

            return wrapper

        made.app.add_url_rule("/resource", view_func=output(Resource.as_view("resource")))
        assert closed(made, "/resource")
        assert made.get("/resource", bearer_header()).status_code == 200


class TestBlueprints:
    def test_nested_blueprints_are_guarded_by_their_views(self, made: Made) -> None:
        child, parent = Blueprint("child", __name__), Blueprint("parent", __name__)
        child.add_url_rule("/leaf", "leaf", bearer(noted(made, "leaf")))
        child.add_url_rule("/open", "open", public(noted(made, "open")))
        parent.register_blueprint(child, url_prefix="/child")
        made.app.register_blueprint(parent, url_prefix="/parent")
        assert closed(made, "/parent/child/leaf")
        assert made.get("/parent/child/open").status_code == 200

    def test_a_blueprint_can_be_covered_and_its_own_policies_win(self, made: Made) -> None:
        other = Blueprint("other", __name__)
        other.add_url_rule("/a", "a", noted(made, "a"))
        other.add_url_rule("/b", "b", public(noted(made, "b")))
        made.stopper.cover(other, bearer & scope("docs"))
        made.app.register_blueprint(other, url_prefix="/one")
        made.app.register_blueprint(other, url_prefix="/two", name="again")
        for prefix in ("/one", "/two"):
            assert closed(made, f"{prefix}/a")
            assert made.get(f"{prefix}/a", bearer_header()).status_code == 403
            assert made.get(f"{prefix}/b").status_code == 200

    def test_a_blueprint_of_the_same_name_elsewhere_is_not_covered(self, made: Made) -> None:
        mine, theirs, parent = Blueprint("docs", __name__), Blueprint("docs", __name__), Blueprint("parent", __name__)
        mine.add_url_rule("/mine", "view", noted(made, "mine"))
        theirs.add_url_rule("/theirs", "view", noted(made, "theirs"))
        parent.register_blueprint(theirs)
        made.app.register_blueprint(mine)
        made.app.register_blueprint(parent)
        made.stopper.cover(mine, public)
        with pytest.raises(UndeclaredRouteError, match="/theirs"):
            made.stopper.seal()

    def test_a_hook_of_a_blueprint_does_not_run_before_the_gate(self, made: Made) -> None:
        part = Blueprint("part", __name__)

        @part.before_request
        def early() -> str:
            made.ran.append("early")
            return "leaked"

        part.add_url_rule("/x", "x", bearer(noted(made, "x")))
        made.app.register_blueprint(part)
        assert closed(made, "/x")


class TestCover:
    def test_a_glob_covers_endpoints_of_other_packages(self, made: Made) -> None:
        made.app.add_url_rule("/docs", "restx_doc.page", noted(made, "docs"))
        made.app.add_url_rule("/spec", "restx_doc.spec", noted(made, "spec"))
        made.stopper.cover("restx_doc.*", public)
        assert made.get("/docs").status_code == 200
        assert made.get("/spec").status_code == 200

    def test_a_views_own_policy_wins_over_a_cover(self, made: Made) -> None:
        made.route("/own", bearer, "own")
        made.stopper.cover("*", public)
        assert closed(made, "/own")

    def test_two_covers_that_disagree_close_the_application(self, made: Made) -> None:
        made.app.add_url_rule("/x", "x.y", noted(made, "x"))
        made.stopper.cover("x.*", public)
        made.stopper.cover("*", bearer)
        with pytest.raises(PolicyError, match="covered twice"):
            made.stopper.seal()
        assert made.get("/x").status_code == 503

    def test_letter_case_matters(self, made: Made) -> None:
        made.app.add_url_rule("/x", "Docs.x", noted(made, "x"))
        made.stopper.cover("docs.*", public)
        assert made.get("/x").status_code == 503

    @pytest.mark.parametrize("wrong", [("x", scope("a")), ("x", "public"), ("", public), (None, public), (5, bearer)])
    def test_nonsense_is_refused(self, made: Made, wrong: Any) -> None:
        with pytest.raises(PolicyError):
            made.stopper.cover(*wrong)

    def test_static_undeclared_is_closed_and_can_be_covered(self, tmp_path: Any) -> None:
        (tmp_path / "a.txt").write_text("hello")
        for cover, status in ((None, 404), (public, 200), (bearer, 401)):
            app = Flask("files", static_folder=str(tmp_path), static_url_path="/static")
            stopper = Stopper(app, issuers=[issuer()])
            if cover is not None:
                stopper.cover("static", cover)
            stopper.seal()
            answer = app.test_client().get("/static/a.txt")
            assert answer.status_code == status
            answer.close()


class TestLaterChanges:
    def test_a_view_that_is_replaced_is_judged_anew(self, made: Made) -> None:
        made.route("/x", public, "x")
        assert made.get("/x").status_code == 200
        made.app.view_functions["x"] = noted(made, "replaced")
        assert made.get("/x").status_code == 503
        assert "replaced" not in made.ran
        made.app.view_functions["x"] = bearer(noted(made, "guarded"))
        assert made.get("/x").status_code == 401

    def test_a_rule_that_is_added_behind_flasks_back_is_closed(self, made: Made) -> None:
        made.route("/x", public, "x")
        assert made.get("/x").status_code == 200
        made.app.url_map.add(made.app.url_rule_class("/late", endpoint="late"))
        made.app.view_functions["late"] = noted(made, "late")
        assert made.get("/late").status_code == 503
        assert "late" not in made.ran

    def test_routes_registered_after_the_guard_are_guarded(self, made: Made) -> None:
        made.stopper.seal()
        made.app.add_url_rule("/after", "after", noted(made, "after"))
        assert made.get("/after").status_code == 503

    def test_a_hook_registered_before_the_guard_does_not_answer_for_it(self) -> None:
        app = Flask("early")

        @app.before_request
        def early() -> str:
            return "leaked"

        Stopper(app, issuers=[issuer()])
        app.add_url_rule("/x", "x", bearer(lambda: "x"))
        assert app.test_client().get("/x").status_code == 401


class TestTheTable:
    def test_it_lists_every_route(self, made: Made) -> None:
        made.route("/b", bearer & scope("x"), "b", methods=["GET", "POST"])
        made.route("/a/<int:number>", public, "a")
        made.app.add_url_rule("/u", "u", noted(made, "u"))
        assert route_table(made.app) == [
            Row("/a/<int:number>", "GET", "a", "public", "declared"),
            Row("/b", "GET", "b", 'bearer & scope("x")', "declared"),
            Row("/b", "POST", "b", 'bearer & scope("x")', "declared"),
            Row("/static/<path:filename>", "GET", "static", None, "closed"),
            Row("/u", "GET", "u", None, "undeclared"),
        ]

    def test_readers_outside_can_ask(self, made: Made) -> None:
        made.route("/b", api_key, "b")
        made.app.add_url_rule("/u", "u", noted(made, "u"))
        guard = made.app.extensions["stopper"]
        assert guard.policy_for("b", "GET") == "api_key"
        assert guard.policy_for("u", "GET") is None
        assert guard.policies == {"static": {"GET": "closed"}, "b": {"GET": "api_key"}, "u": {"GET": "closed"}}


def test_one_guard_serves_several_applications() -> None:
    stopper = Stopper(issuers=[issuer()])
    apps = [Flask(f"app{number}") for number in range(2)]
    for app in apps:
        stopper.init_app(app)
        app.add_url_rule("/x", "x", bearer(lambda: "x"))
    stopper.cover("y", public)
    apps[1].add_url_rule("/y", "y", lambda: "y")
    for app in apps:
        stopper.seal(app)
        assert app.test_client().get("/x").status_code == 401
        assert app.test_client().get("/x", headers=[("Authorization", f"Bearer {hs256()}")]).status_code in (200, 401)
    assert apps[1].test_client().get("/y").status_code == 200


def test_nothing_is_logged_for_a_sound_start(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    made.route("/x", public)
    made.get("/x")
    assert not caplog.records
