"""What lies below a thing of somebody (``/teams/7/files/5``) is asked for by another: below it, and below a thing of one's own."""

import itertools
from typing import Any

import pytest
from flask import abort, jsonify, request
from tests.rules.toy_people import ToyPeople

from stopper.core.finding import Verdict

CHECKS = frozenset({"member", "inside", "list"})


class Teams(ToyPeople):
    """Teams with files below them. ``checks``: whether the caller must be of the team, whether the file must lie in it, whether lists ask too."""

    def __init__(self, checks: frozenset[str], *, shared: bool = False) -> None:
        super().__init__("teams")
        self.checks, app = checks, self.app
        self.teams: dict[int, str] = {}
        self.files: dict[int, dict[str, Any]] = {}
        numbers = itertools.count(1)

        @app.get("/teams")
        def teams() -> Any:
            me = self.caller()
            return jsonify([{"id": number} for number, owner in self.teams.items() if shared or owner == me])

        @app.post("/teams")
        def new_team() -> Any:
            number, me = next(numbers), self.caller()
            self.teams[number] = me
            return jsonify(id=number, name=request.get_json()["name"]), 201

        @app.get("/teams/<int:team_id>/files")
        def files(team_id: int) -> Any:
            self.of_team(team_id, "list")
            return jsonify([one for one in self.files.values() if one["team"] == team_id])

        @app.post("/teams/<int:team_id>/files")
        def new_file(team_id: int) -> Any:
            if self.teams.get(team_id) != self.caller():
                abort(403)
            number = next(numbers)
            self.files[number] = {"id": number, "team": team_id, "text": str(request.get_json()["text"])}
            return jsonify(self.files[number]), 201

        @app.get("/teams/<int:team_id>/files/<int:file_id>")
        def file(team_id: int, file_id: int) -> Any:
            return jsonify(self.one(team_id, file_id))

        @app.put("/teams/<int:team_id>/files/<int:file_id>")
        def change(team_id: int, file_id: int) -> Any:
            found = self.one(team_id, file_id)
            found["text"] = str(request.get_json()["text"])
            return jsonify(found)

        @app.delete("/teams/<int:team_id>/files/<int:file_id>")
        def end(team_id: int, file_id: int) -> Any:
            del self.files[self.one(team_id, file_id)["id"]]
            return "", 204

    def of_team(self, number: int, check: str) -> None:
        me = self.caller()
        if number not in self.teams:
            abort(404)
        if check in self.checks and self.teams[number] != me:
            abort(403)

    def one(self, team_id: int, file_id: int) -> dict[str, Any]:
        self.of_team(team_id, "member")
        found = self.files.get(file_id) or abort(404)
        if "inside" in self.checks and found["team"] != team_id:
            abort(404)
        return found


FILE = "/teams/{team_id}/files/{file_id}"


def refs(verdict: Verdict) -> set[tuple[str, str]]:
    return {(ref.method, ref.path) for ref in verdict.routes}


@pytest.mark.parametrize("checks", [frozenset[str](), frozenset({"inside"}), frozenset({"inside", "list"})])
def test_a_thing_below_anothers_is_read_changed_and_deleted(checks: frozenset[str]) -> None:
    teams = Teams(checks)
    found = teams.judged()
    assert {(method, FILE) for method in ("GET", "PUT", "DELETE")} <= refs(found), found.message
    assert "{team_id}" in found.message
    assert not teams.files, "what the scan made below is taken back"


def test_the_id_is_looked_up_without_the_place_before_it() -> None:
    """Bob may open his own team, and the file of Alice's is found by its number alone."""
    assert ("GET", FILE) in refs(Teams(frozenset({"member", "list"})).judged())


def test_a_place_that_is_asked_about_at_every_step_is_not_told() -> None:
    assert Teams(CHECKS).judged().outcome == "pass"


def test_what_lies_below_a_thing_that_all_see_may_be_all_peoples() -> None:
    assert Teams(frozenset({"inside"}), shared=True).judged().outcome != "fail"
