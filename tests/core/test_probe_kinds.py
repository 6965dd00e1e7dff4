"""Where things are listed and made, and how an answer names the id of what was made."""

import pytest

from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.probe import Target
from stopper.core.probing.things.kinds import kinds, new_id
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.tokens.forge import TokenForge


def target(*routes: Route) -> Target:
    return Target(
        App(routes=routes), "wsgi", "http://localhost", "active", "standard", TokenForge(), HonestRequests(), ()
    )


@pytest.mark.parametrize(
    ("listed", "made"),
    [("/note/notes", "/note/create"), ("/note", "/note"), ("/note/all", "/create_note"), ("/note/mine", "/note/new")],
)
def test_a_kind_is_known_by_its_list_and_by_where_it_is_made(listed: str, made: str) -> None:
    members = (
        Route("/note/{note_id}", ("GET", "PUT"), parameters=(("note_id", "int"),)),
        Route("/note/{note_id}/share", ("POST",), parameters=(("note_id", "int"),)),
    )
    found = list(kinds(target(*members, Route(listed, ("GET",)), Route(made, ("POST",)), Route("/me", ("GET",)))))
    assert len(found) == 1
    kind = found[0]
    assert (kind.base, kind.parameter, kind.members) == ("/note", "note_id", members)
    assert kind.list_route is not None
    assert kind.create_route is not None
    assert (kind.list_route.path, kind.create_route.path) == (listed, made)
    assert kind.thing == members[0]


@pytest.mark.parametrize(
    ("one", "many"), [("/task/{id}", "/tasks/"), ("/category/{id}", "/categories"), ("/tasks/{id}", "/task")]
)
def test_one_thing_and_many_of_them_are_called_otherwise(one: str, many: str) -> None:
    thing = Route(one, ("GET", "PUT"), parameters=(("id", "int"),))
    found = list(kinds(target(thing, Route(many, ("GET", "POST")))))
    assert [(kind.base, kind.members) for kind in found] == [(many.rstrip("/"), (thing,))]


def test_what_is_neither_listed_nor_made_is_no_kind() -> None:
    assert list(kinds(target(Route("/note/{id}", ("GET",), parameters=(("id", "int"),)), Route("/me", ("GET",))))) == []


@pytest.mark.parametrize(
    ("headers", "body", "number"),
    [
        ((), b'{"note_id": 5, "id": 1}', "5"),
        ((), b'{"note": {"id": 7}}', "7"),
        ((("Location", "/notes/9"),), b"", "9"),
        ((), b'Added note "x" with id 5', "5"),
        ((), b"ID: 0f8fad5b-d9cb-469f-a165-70867728950e was made", "0f8fad5b-d9cb-469f-a165-70867728950e"),
        ((), b"valid 5 grid 7", None),
        ((), b"id 5 " + b"x" * 400, None),
    ],
)
def test_the_id_of_what_was_made(headers: tuple[tuple[str, str], ...], body: bytes, number: str | None) -> None:
    made = Exchange(Request("POST", "/notes"), Response(201, headers, body))
    assert new_id(made, "note_id") == number


@pytest.mark.parametrize("read", ["/products/reviews/{review_id}", "/reviews/{review_id}"])
def test_things_that_are_made_of_another_thing_are_a_kind(read: str) -> None:
    make = Route("/products/{product_id}/reviews", ("POST",), parameters=(("product_id", "int"),))
    found = [
        one
        for one in kinds(target(make, Route(read, ("PUT",), parameters=(("review_id", "int"),))))
        if one.base != "/products"
    ]
    assert [one.create_route for one in found] == [make]


def test_the_person_in_a_path_is_not_the_thing() -> None:
    """``/permissions/{user_id}`` reads what somebody has; a permission is known by its own id."""
    of_somebody = Route("/permissions/{user_id}", ("GET",), parameters=(("user_id", "int"),))
    one = Route("/permissions/{permission_id}", ("PUT", "DELETE"), parameters=(("permission_id", "int"),))
    made = Route("/permissions/", ("GET", "POST"))
    (kind,) = kinds(target(of_somebody, one, made))
    assert (kind.parameter, kind.thing, kind.create_route) == ("permission_id", None, made)
    people = Route("/users/{user_id}", ("GET", "PUT"), parameters=(("user_id", "int"),))
    (kind,) = kinds(target(people, Route("/users", ("GET", "POST"))))
    assert (kind.parameter, kind.thing) == ("user_id", people)
