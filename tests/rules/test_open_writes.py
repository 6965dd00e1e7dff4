"""What anybody changes or deletes without a credential, and things that name only whoever made them."""

from typing import Any

import pytest
from flask import Flask, abort, jsonify, request
from tests.rules.toy_people import ToyPeople

from stopper.core.app import App, Route
from stopper.core.finding import Verdict
from stopper.scan.catalogue import find
from stopper.scan.trial import try_rule

RULE = find("route-without-authentication")


def judged(app: Flask, path: str, member: str) -> Verdict:
    """What the rule says of *app*, whose PUT at *path* takes that one member."""
    schema = {"type": "object", "properties": {member: {"type": "string"}}}
    put = Route(path, ("PUT",), parameters=(("number", "int"),), readers=frozenset({"spec"}), request_schema=schema)
    assert RULE is not None
    return try_rule(RULE, app, source=App(routes=(put,), readers=frozenset({"spec"})))


class Gym(ToyPeople):
    """Courses that anybody reads. ``asks`` says whether who changes one is asked for a token; ``made`` whether one can be made at all."""

    def __init__(self, *, asks: bool, made: bool) -> None:
        super().__init__("gym")
        self.asks = asks
        self.courses: dict[int, dict[str, Any]] = {1: {"id": 1, "title": "Yoga", "seats": 12}}

        @self.app.get("/me")
        def me() -> Any:
            return jsonify(name=self.caller())

        @self.app.get("/courses")
        def listed() -> Any:
            return jsonify(list(self.courses.values()))

        @self.app.get("/courses/<int:number>")
        def shown(number: int) -> Any:
            return jsonify(self.courses.get(number) or abort(404))

        @self.app.route("/courses/<int:number>", methods=["PUT"] if not made else ["PUT", "DELETE"])
        def changed(number: int) -> Any:
            self.judge()
            if number not in self.courses:
                abort(404)
            if request.method == "DELETE":
                return jsonify(self.courses.pop(number))
            self.courses[number] |= {name: request.get_json()[name] for name in ("title",)}
            return jsonify(self.courses[number])

        if made:
            self.app.add_url_rule("/courses", "make", self.make, methods=["POST"])

    def judge(self) -> None:
        if self.asks:
            self.caller()

    def make(self) -> Any:
        self.judge()
        number = max(self.courses) + 1
        self.courses[number] = {"id": number, "title": request.get_json()["title"], "seats": 5}
        return jsonify(self.courses[number]), 201


@pytest.mark.parametrize("made", [True, False])
@pytest.mark.parametrize("asks", [True, False])
def test_a_change_by_nobody_is_told(asks: bool, made: bool) -> None:
    """What can be made is changed and deleted; what was there is sent what it says already, and stays as it was."""
    gym = Gym(asks=asks, made=made)
    told = judged(gym.app, "/courses/{number}", "title")
    every = {"DELETE /courses/{number}", "POST /courses", "PUT /courses/{number}"}
    wanted = every if made else {"PUT /courses/{number}"}
    assert {str(ref) for ref in told.routes} == (set() if asks else wanted)
    assert gym.courses[1] == {"id": 1, "title": "Yoga", "seats": 12}


@pytest.mark.parametrize(
    ("kind", "has_people", "told"), [("notes", True, True), ("notes", False, False), ("patients", False, True)]
)
def test_an_api_without_people_has_nothing_to_ask_for(kind: str, has_people: bool, told: bool) -> None:
    """Records of people are another thing: nobody should change them unasked, log-in or not."""
    app, notes = Flask("notes"), dict[int, str]({1: "milk"})

    @app.get(f"/{kind}/<int:number>")
    def shown(number: int) -> Any:
        return jsonify(id=number, text=notes.get(number) or abort(404))

    @app.put(f"/{kind}/<int:number>")
    def changed(number: int) -> Any:
        notes[number] = request.get_json()["text"] if number in notes else abort(404)
        return jsonify(id=number, text=notes[number])

    app.add_url_rule(
        f"/{kind}", "listed", lambda: jsonify([{"id": number, "text": text} for number, text in notes.items()])
    )
    if has_people:
        app.add_url_rule("/login", "login", lambda: (jsonify(error="wrong"), 401), methods=["POST"])
    assert (judged(app, f"/{kind}/{{number}}", "text").outcome == "fail") is told


class Hotel(ToyPeople):
    """Bookings that show the number of whoever made them and nothing that was sent. ``asks`` says whether whose one is is asked."""

    def __init__(self, *, asks: bool) -> None:
        self.names = list[str]()
        super().__init__("hotel")
        bookings = list[dict[str, int]]()

        @self.app.get("/me")
        def me() -> Any:
            return jsonify(id=self.number(), name=self.caller())

        @self.app.post("/bookings")
        def book() -> Any:
            bookings.append({"id": 40 + len(bookings), "guest_id": self.number(), "nights": 2})
            return jsonify(bookings[-1]), 201

        @self.app.get("/bookings/<int:booking_id>")
        def booking(booking_id: int) -> Any:
            mine = self.number()
            return jsonify(
                next(
                    (one for one in bookings if one["id"] == booking_id and (not asks or one["guest_id"] == mine)), None
                )
                or abort(404)
            )

    def joined(self, name: str) -> None:
        self.names.append(name)

    def number(self) -> int:
        return 7 + self.names.index(self.caller())


@pytest.mark.parametrize("asks", [True, False])
def test_a_thing_that_shows_its_makers_number_alone_is_somebodys(asks: bool) -> None:
    assert (Hotel(asks=asks).judged().outcome == "fail") is not asks


@pytest.mark.parametrize(
    ("path", "shown", "told"),
    [
        ("/orders", [{"id": 1, "user_id": 7, "total": 5}, {"id": 2, "user_id": 8, "total": 9}], True),
        ("/orders", [{"id": 1, "user_id": 7, "total": 5}, {"id": 2, "user_id": 7, "total": 9}], False),
        ("/messages", [{"id": 1, "sender_id": 7, "text": "hi"}, {"id": 2, "sender_id": 8, "text": "ho"}], True),
        ("/posts", [{"id": 1, "author_id": 7, "text": "hi"}, {"id": 2, "author_id": 8, "text": "ho"}], False),
        ("/orders", [{"id": 1, "state": "open"}, {"id": 2, "state": "done"}], False),
    ],
)
def test_things_of_different_people_that_anybody_reads_by_the_next_number(
    path: str, shown: list[dict[str, Any]], told: bool
) -> None:
    app = Flask("open")

    @app.get(f"{path}/<int:number>")
    def one(number: int) -> Any:
        return jsonify(shown[number - 1] if number <= len(shown) else abort(404))

    route = Route(f"{path}/{{number}}", ("GET",), parameters=(("number", "int"),), readers=frozenset({"wire"}))
    assert RULE is not None
    found = try_rule(RULE, app, source=App(routes=(route,), readers=frozenset({"wire"})))
    assert (found.outcome == "fail", [str(ref) for ref in found.routes]) == (
        told,
        [f"GET {path}/{{number}}"] if told else [],
    )


def staff(*, asks: bool, method: str = "POST", shown: bool = True) -> Flask:
    """Cards of people that anybody reads; the role of one has a route of its own. ``asks`` says whether that asks who is calling."""
    app = Flask("staff")
    people = {1: {"id": 1, "username": "ann", "email": "ann@example.org", **({"role": "clerk"} if shown else {})}}

    @app.post("/login")
    def log_in() -> Any:
        return jsonify(error="Wrong name or password"), 401

    @app.get("/people/<int:number>")
    def card(number: int) -> Any:
        return jsonify(people.get(number) or abort(404))

    @app.route("/people/<int:number>/role", methods=[method])
    def role(number: int) -> Any:
        if asks:
            return jsonify(error="log in first"), 401
        if number not in people:
            return jsonify(error="no such person"), 404
        people[number]["role"] = request.get_json()["role"]
        return jsonify(message="done")

    return app


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_part_of_somebody_that_nobody_may_set_is_sent_as_it_stands(method: str) -> None:
    found = named(staff(asks=False, method=method), method)
    assert any(str(ref) == f"{method} /people/{{number}}/role" for ref in found.routes), found.message


@pytest.mark.parametrize(("asks", "shown"), [(True, True), (False, False)])
def test_a_part_that_asks_who_is_calling_or_is_not_shown_is_not_told(asks: bool, shown: bool) -> None:
    assert not any("role" in ref.path for ref in named(staff(asks=asks, shown=shown), "POST").routes)


def named(app: Flask, method: str) -> Verdict:
    """What the rule says of *app*, of which a document names the role as the one member."""
    schema = {"type": "object", "properties": {"role": {"type": "string"}}}
    part = Route(
        "/people/{number}/role",
        (method,),
        parameters=(("number", "int"),),
        readers=frozenset({"spec"}),
        request_schema=schema,
    )
    assert RULE is not None
    return try_rule(RULE, app, source=App(routes=(part,), readers=frozenset({"spec"})))
