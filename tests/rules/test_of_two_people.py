"""What one of two people does to the other: stores as him, ends what is hers by a POST, asks below a thing of his own, reads what no list says; and
what looks alike and is meant so."""

import itertools
from typing import Any

import pytest
from flask import abort, jsonify, request
from tests.rules.test_two_given_people import Two, body
from tests.rules.toy_people import ToyPeople


def told(**operations: dict[str, Any]) -> dict[str, Any]:
    """The operations at one path of a document."""
    return {name: said or dict[str, Any](responses={}) for name, said in operations.items()}


@pytest.mark.parametrize("checks", [False, True])
@pytest.mark.parametrize(("path", "member"), [("/payslips", "employee_id"), ("/messages", "from_id")])
def test_what_is_stored_as_another_by_numbers_alone(path: str, member: str, checks: bool) -> None:
    """A payslip says no text; who it is of is what the body says."""
    two, kept, numbers = Two("payroll"), list[dict[str, Any]](), itertools.count(11)

    @two.app.post(path)
    def add() -> Any:
        me, sent = two.caller(), request.get_json()
        if checks and sent[member] != me:
            abort(403)
        kept.append({"id": next(numbers), member: sent[member], "salary": sent["salary"]})
        return jsonify(kept[-1]), 201

    @two.app.get(path)
    def own() -> Any:
        me = two.caller()
        return jsonify([one for one in kept if one[member] == me])

    said = {member: "integer", "salary": "number"}
    paths: dict[str, Any] = {path: told(get={}, post=body(**said)), "/me": told(get={})}
    verdict = two.judged(**paths)
    assert (verdict.outcome == "fail") is not checks
    assert checks or f"by {member}" in verdict.message


@pytest.mark.parametrize("path", ["/friends", "/shares", "/invitations"])
def test_what_brings_two_together_is_not_stored_as_another(path: str) -> None:
    two, kept, numbers = Two("friends"), list[dict[str, Any]](), itertools.count(11)

    @two.app.post(path)
    def add() -> Any:
        kept.append({"id": next(numbers), "by": two.caller(), "user_id": request.get_json()["user_id"], "level": 1})
        return jsonify(kept[-1]), 201

    @two.app.get(path)
    def own() -> Any:
        me = two.caller()
        return jsonify([one for one in kept if one["user_id"] == me])

    paths: dict[str, Any] = {path: told(get={}, post=body(user_id="integer", level="integer")), "/me": told(get={})}
    assert two.judged(**paths).outcome != "fail"


@pytest.mark.parametrize("guard", ["nobody", "owner", "comments"])
def test_a_post_at_a_thing_that_ends_it(guard: str) -> None:
    """``POST /messages/5`` deletes it without a word that says so; where it asks whose that is, or adds something to it, nothing is wrong."""
    toy = ToyPeople("messages")
    kept, numbers = dict[int, dict[str, Any]](), itertools.count(11)

    @toy.app.post("/messages")
    def add() -> Any:
        number = next(numbers)
        kept[number] = {"id": number, "owner": toy.caller(), "text": request.get_json()["text"], "more": 0}
        return jsonify(kept[number]), 201

    @toy.app.get("/messages")
    def everything() -> Any:
        toy.caller()
        return jsonify(list(kept.values()))

    @toy.app.post("/messages/<int:number>")
    def end(number: int) -> Any:
        me = toy.caller()
        found = kept.get(number) or abort(404)
        if guard == "owner" and found["owner"] != me:
            abort(403)
        if guard == "comments":
            found["more"] += 1
        else:
            del kept[number]
        return jsonify(ok=True)

    paths: dict[str, Any] = {
        "/messages": told(get={}, post=body(text="string")),
        "/messages/{number}": {"post": {"responses": {}, "parameters": [number_in_path("number")]}},
    }
    verdict = toy.judged(**paths)
    assert ("POST /messages/" in verdict.message and verdict.outcome == "fail") is (guard == "nobody")


def number_in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "integer"}}


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_below_a_thing_of_ones_own_lies_anothers(method: str, second: bool) -> None:
    """The guard judges the first id; whether the *second* one lies below it is asked too, or not."""
    toy, lists, tasks = ToyPeople("boards"), dict[int, str](), dict[int, dict[str, Any]]()
    numbers = itertools.count(11)

    def mine(number: int) -> int:
        return number if lists.get(number) == toy.caller() else abort(404)

    @toy.app.route("/boards", methods=["GET", "POST"])
    def boards() -> Any:
        me = toy.caller()
        if request.method == "GET":
            return jsonify([{"id": one, "title": "t"} for one, owner in lists.items() if owner == me])
        lists[new := next(numbers)] = me
        return jsonify(id=new, title=request.get_json()["title"]), 201

    @toy.app.route("/boards/<int:board>/tasks", methods=["GET", "POST"])
    def listed(board: int) -> Any:
        mine(board)
        if request.method == "GET":
            return jsonify([one for one in tasks.values() if one["board"] == board])
        new = next(numbers)
        tasks[new] = {"id": new, "board": board, "text": request.get_json()["text"]}
        return jsonify(tasks[new]), 201

    def found(board: int, task: int) -> dict[str, Any]:
        mine(board)
        one = tasks.get(task) or abort(404)
        return one if not second or one["board"] == board else abort(404)

    @toy.app.get("/boards/<int:board>/tasks/<int:task>/notes")
    def notes(board: int, task: int) -> Any:
        one = found(board, task)
        return jsonify(of=one["id"], notes=["first of " + one["text"]])

    @toy.app.delete("/boards/<int:board>/tasks/<int:task>")
    def end(board: int, task: int) -> Any:
        del tasks[found(board, task)["id"]]
        return "", 204

    both = [number_in_path("board"), number_in_path("task")]
    below: dict[str, Any] = {
        "GET": {"/boards/{board}/tasks/{task}/notes": {"get": {"responses": {}, "parameters": both}}},
        "DELETE": {"/boards/{board}/tasks/{task}": {"delete": {"responses": {}, "parameters": both}}},
    }
    paths: dict[str, Any] = {
        "/boards": told(get={}, post=body(title="string")),
        "/boards/{board}/tasks": {**told(get={}, post=body(text="string")), "parameters": both[:1]},
        **below[method],
    }
    verdict = toy.judged(**paths)
    assert (verdict.outcome == "fail") is not second, verdict.message


@pytest.mark.parametrize("member", ["password_hash", "city"])
def test_a_person_of_a_list_is_read_by_id_with_what_no_list_says(member: str) -> None:
    """That all see who there is says nothing of the hash that stands at the id."""
    two = Two("people", **{member: "x"})
    for number, one in two.people.items():
        one[member] = f"$2b$12$abcdefghijklmnopqrstuv{number}" if member == "password_hash" else f"Bern {number}"

    @two.app.get("/users")
    def users() -> Any:
        two.caller()
        return jsonify([{"id": one["id"], "name": one["name"]} for one in two.people.values()])

    @two.app.get("/users/<int:user_id>")
    def user(user_id: int) -> Any:
        two.caller()
        return jsonify(two.people.get(user_id) or abort(404))

    paths: dict[str, Any] = {
        "/users": told(get={}),
        "/users/{user_id}": {"get": {"responses": {}, "parameters": [number_in_path("user_id")]}},
        "/me": told(get={}),
    }
    assert (two.judged(**paths).outcome == "fail") is (member == "password_hash")


@pytest.mark.parametrize("mixes", [False, True])
def test_the_number_of_a_page_is_not_that_of_a_tag(mixes: bool) -> None:
    """``?tag=1`` finds nothing, on page 1, because tags are asked for by name; where it shows what is tagged so, whosever it is, that is told."""
    two = Two("tags")
    two.app.add_url_rule(
        "/tags", "tags", lambda: jsonify(tags=[{"id": 1, "name": "home"}] if two.caller() == 1 else [])
    )

    @two.app.get("/notes")
    def notes() -> Any:
        me, tag = two.caller(), request.args.get("tag", "")
        found = ["the first of ann"] if (not tag and me == 1) or (tag == "1" and mixes) else []
        return jsonify(notes=found, page=1, pages=1)

    query = [{"name": "tag", "in": "query", "schema": {"type": "string"}}]
    paths: dict[str, Any] = {
        "/tags": told(get={}),
        "/notes": {"get": {"responses": {}, "parameters": query}},
        "/me": told(get={}),
    }
    assert (two.judged(**paths).outcome == "fail") is mixes
