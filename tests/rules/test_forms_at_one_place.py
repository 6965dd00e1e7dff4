"""Several forms of a page that are sent to one place, told apart by a hidden field; texts that pages count with; topics that point at routes."""

import sqlite3
from typing import Any

import pytest
from flask import Flask, redirect, request
from tests.rules.from_outside import reached, verdict

FORMS = (
    '<form method="post"><input type="hidden" name="action" value="{0}"><input name="username"></form>'
    '<form method="post"><input type="hidden" name="action" value="{1}"><input name="hostname"></form>'
)


@pytest.mark.parametrize("bound", [False, True])
def test_each_form_is_tried_with_what_it_says(bound: bool) -> None:
    app = Flask("tools")

    @app.route("/tools", methods=["GET", "POST"])
    def tools() -> Any:
        if request.form.get("action") == "find":
            people = sqlite3.connect(":memory:")
            people.executescript("create table people (name text); insert into people values ('ana'), ('ben')")
            name = request.form.get("username", "")
            asked = (
                ("select name from people where name = ?", (name,))
                if bound
                else (f"select name from people where name = '{name}'",)
            )
            return FORMS.format("find", "ping") + str(people.execute(*asked).fetchall())
        return FORMS.format("find", "ping")

    app.add_url_rule("/", "start", lambda: '<a href="/tools">tools</a>')
    found = verdict("sql-injection", app)
    assert (found.outcome == "fail") is not bound, found.message


def test_a_form_that_takes_something_away_is_not_sent_so() -> None:
    app, said = Flask("tools"), list[str]()

    @app.route("/tools", methods=["GET", "POST"])
    def tools() -> Any:
        said.append(request.form.get("action", ""))
        return FORMS.format("find", "delete_all")

    app.add_url_rule("/", "start", lambda: '<a href="/tools">tools</a>')
    verdict("sql-injection", app)
    assert "find" in said
    assert "delete_all" not in said


def test_a_number_that_a_page_counts_with_stays_one() -> None:
    """The page of stars breaks of a text, for everybody; the comment beside it is shown as it is."""
    app, kept = Flask("stars"), dict[int, list[tuple[str, str]]]()

    @app.get("/product/<int:number>")
    def product(number: int) -> Any:
        form = f'<form method="post" action="/product/{number}/review"><select name="rating"><option value="5">5</option></select><textarea name="comment"></textarea></form>'
        return form + "".join(f"<p>{'*' * int(rating)} {comment}</p>" for rating, comment in kept.get(number, []))

    @app.post("/product/<int:number>/review")
    def review(number: int) -> Any:
        kept.setdefault(number, []).append((request.form["rating"], request.form["comment"]))
        return redirect(f"/product/{number}")

    app.add_url_rule("/", "start", lambda: '<a href="/product/1">one</a>')
    found = verdict("markup-unescaped", app)
    assert found.outcome == "fail", found.message
    assert "review" in str(found.routes[0])


def test_topics_point_at_routes() -> None:
    app = Flask("topics")
    topics = ["SQL injection -> /users/find?name=' OR '1'='1", "Upload -> /upload (POST file)", "a -> b", "1 -> /"]
    app.add_url_rule("/", "start", lambda: {"topics": topics})
    app.add_url_rule("/users/find", "find", lambda: {"rows": request.args.get("name", "")})
    app.add_url_rule("/upload", "upload", lambda: ({"error": "no file"}, 400), methods=["POST"])
    target, _ = reached(app)
    paths = {route.path: route for route in target.app.routes}
    assert "name" in paths["/users/find"].names
    assert "POST" in paths["/upload"].methods


def test_forms_that_differ_by_what_they_are_about_are_one() -> None:
    """A page of people has a form for each: their ids are not said, and the form is one."""
    app, said = Flask("people"), list[dict[str, str]]()
    form = '<form method="post" action="/edit"><input type="hidden" name="id" value="{0}"><input type="hidden" name="confirm" value="yes"><input name="mail"></form>'

    @app.post("/edit")
    def edit() -> Any:
        said.append(request.form.to_dict())
        return redirect("/people")

    app.add_url_rule("/people", "people", lambda: "".join(form.format(number) for number in range(3, 9)))
    app.add_url_rule("/", "start", lambda: '<a href="/people">people</a>')
    target, _ = reached(app)
    assert len([route for route in target.app.routes if (route.path, route.methods) == ("/edit", ("POST",))]) == 1
    verdict("sql-injection", app)
    assert said
    assert not {one.get("id") for one in said} & {str(number) for number in range(3, 9)}
    assert all(one.get("confirm") != "yes" for one in said)


def test_few_forms_of_one_place_are_tried() -> None:
    app = Flask("tools")
    forms = "".join(FORMS.format(f"find{chr(97 + n)}", f"list{chr(97 + n)}") for n in range(12))
    app.add_url_rule("/tools", "tools", lambda: forms, methods=["GET", "POST"])
    app.add_url_rule("/", "start", lambda: '<a href="/tools">tools</a>')
    target, _ = reached(app)
    assert 2 < len([route for route in target.app.routes if route.path == "/tools"]) <= 10
