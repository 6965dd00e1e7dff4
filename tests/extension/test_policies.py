"""Policies in a running application: roles that bring others, objects that are loaded, attributes, nobody in particular."""

import logging
from typing import Any

import pytest
from flask import abort
from tests.extension.made import Made, bearer_header, forged, unknown_key

from stopper import (
    PolicyError,
    SettingError,
    StoreUnavailableError,
    any_of,
    api_key,
    bearer,
    current_principal,
    loads,
    once,
    owner,
    permission,
    principal_optional,
    public,
    role,
    scope,
    where,
)

NOTES: dict[int, dict[str, Any]] = {
    1: {"owner_id": "alice", "state": "draft"},
    2: {"owner_id": "bob", "state": "final"},
}


@pytest.fixture
def made() -> Made:
    return Made()


def find_note(note_id: int) -> dict[str, Any] | None:
    return NOTES.get(note_id)


def serve(made: Made, rule: Any, path: str = "/notes/<int:note_id>") -> None:
    @made.app.route(path, methods=["GET", "PUT"])
    @rule
    def view(**arguments: Any) -> dict[str, Any]:
        made.ran.append("view")
        return arguments


class TestRoles:
    def test_the_settings_hold_in_a_request(self) -> None:
        made = Made(
            {"STOPPER_ROLE_HIERARCHY": {"admin": ["editor"]}, "STOPPER_ROLE_PERMISSIONS": {"editor": ["write"]}}
        )
        made.route("/role", bearer & role("editor"))
        made.route("/permission", bearer & permission("write"))
        for path in ("/role", "/permission"):
            assert made.get(path, bearer_header(roles=["admin"])).status_code == 200
            assert made.get(path, bearer_header(roles=["reader"])).status_code == 403

    def test_a_circle_is_refused_at_the_start(self) -> None:
        with pytest.raises(SettingError, match="circle"):
            Made({"STOPPER_ROLE_HIERARCHY": {"a": ["b"], "b": ["a"]}})


class TestLoadedObjects:
    def test_the_owner_gets_the_very_object_and_nobody_else_learns_that_it_is_there(self, made: Made) -> None:
        serve(made, bearer & loads(note=find_note) & owner("note.owner_id"))
        answer = made.get("/notes/1", bearer_header(sub="alice"))
        assert answer.json == {"note_id": 1, "note": NOTES[1]}
        others, missing = (made.get(path, bearer_header(sub="alice")) for path in ("/notes/2", "/notes/3"))
        assert others.status_code == missing.status_code == 403
        assert others.data == missing.data
        assert made.ran == ["view"]

    def test_it_is_loaded_once_and_never_for_a_stranger(self, made: Made) -> None:
        asked: list[int] = []

        def load(note_id: int) -> dict[str, Any] | None:
            asked.append(note_id)
            return NOTES.get(note_id)

        serve(made, bearer & scope("notes") & loads(note=load) & owner(lambda note, **_: note["owner_id"]))
        assert made.get("/notes/1").status_code == 401
        assert made.get("/notes/1", bearer_header(sub="alice")).status_code == 403
        assert asked == []
        assert made.get("/notes/1", bearer_header(sub="alice", scope="notes")).status_code == 200
        assert asked == [1]

    def test_the_owner_may_be_an_attribute(self, made: Made) -> None:
        class Note:
            owner_id = "alice"

        made.app.add_url_rule("/n", "n", (bearer & loads(note=Note) & owner("note.owner_id"))(lambda note: "n"))
        assert made.get("/n", bearer_header(sub="alice")).status_code == 200
        assert made.get("/n", bearer_header(sub="bob")).status_code == 403

    @pytest.mark.parametrize("member", ["note.nothing", "note.owner_id.more", "other.owner_id", "note"])
    def test_a_member_that_is_not_there_refuses(self, made: Made, member: str) -> None:
        serve(made, bearer & loads(note=find_note) & owner(member))
        assert made.get("/notes/1", bearer_header(sub="alice")).status_code == 403

    def test_an_alternative_to_ownership_gets_the_object_too(self, made: Made) -> None:
        serve(made, bearer & loads(note=find_note) & any_of(owner("note.owner_id"), role("admin")))
        assert made.get("/notes/2", bearer_header(sub="root", roles=["admin"])).json["note"] == NOTES[2]

    def test_a_url_cannot_name_what_is_loaded(self, made: Made) -> None:
        serve(made, bearer & loads(note=lambda note: NOTES[1]) & owner("note.owner_id"), "/by/<note>")
        assert made.get("/by/alice", bearer_header(sub="alice")).status_code == 403

    @pytest.mark.parametrize("raised", [KeyError("secret row 5"), ZeroDivisionError(), RuntimeError("gone")])
    def test_a_function_that_raises_refuses_and_says_so_in_the_log_alone(
        self, made: Made, raised: Exception, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fails(*_: object, **__: object) -> Any:
            raise raised

        serve(made, bearer & loads(note=fails), "/loads")
        made.app.add_url_rule("/owner", "owner", (bearer & owner(fails))(lambda: "x"))
        made.app.add_url_rule("/where", "where", (bearer & where(fails))(lambda: "x"))
        with caplog.at_level(logging.ERROR, "stopper"):
            answers = [made.get(path, bearer_header(sub="alice")) for path in ("/loads", "/owner", "/where")]
        assert [answer.status_code for answer in answers] == [403] * 3
        assert len({answer.data for answer in answers}) == 1
        assert made.ran == []
        assert caplog.text.count("raised; the request is refused") == 3

    def test_an_abort_in_a_loader_is_no_oracle(self, made: Made) -> None:
        serve(made, bearer & loads(note=lambda note_id: abort(404)))
        assert made.get("/notes/1", bearer_header()).status_code == 403

    def test_a_store_that_is_away_stays_503(self, made: Made) -> None:
        def away(note_id: int) -> None:
            raise StoreUnavailableError

        serve(made, bearer & loads(note=away))
        assert made.get("/notes/1", bearer_header()).status_code == 503


class TestAttributes:
    def test_principal_resource_and_context_decide_together(self, made: Made) -> None:
        seen: list[Any] = []

        def may_edit(principal: Any, note: Any, context: Any, **_: Any) -> bool:
            seen.append(context)
            return bool(
                note["state"] == "draft" and context.method == "PUT" and principal.claims.get("department") == "press"
            )

        serve(made, bearer & loads(note=find_note) & where(may_edit))
        press = bearer_header(department="press")
        assert made.get("/notes/1", press, method="PUT").status_code == 200
        assert made.get("/notes/1", press).status_code == 403
        assert made.get("/notes/2", press, method="PUT").status_code == 403
        assert made.get("/notes/1", bearer_header(department="sales"), method="PUT").status_code == 403
        assert (seen[0].path, seen[0].address, seen[0].now) == ("/notes/1", "127.0.0.1", made.clock())

    @pytest.mark.parametrize("answer", [1, "yes", None, [1], False])
    def test_nothing_but_true_is_yes(self, made: Made, answer: object) -> None:
        serve(made, bearer & where(lambda principal, **_: answer))  # type: ignore[arg-type, return-value]
        assert made.get("/notes/1", bearer_header()).status_code == 403

    def test_a_url_cannot_be_the_context(self, made: Made) -> None:
        serve(made, bearer & where(lambda principal, context: True), "/in/<context>")
        assert made.get("/in/office", bearer_header()).status_code == 403

    def test_a_coroutine_would_never_be_awaited(self) -> None:
        async def condition(principal: object) -> bool:
            return True

        for make in (where, owner, lambda function: loads(note=function)):
            with pytest.raises(PolicyError, match="coroutine"):
                make(condition)


class TestNobodyInParticular:
    @pytest.fixture
    def open_door(self, made: Made) -> Made:
        @made.app.get("/feed")
        @principal_optional((bearer | api_key) & scope("feed"))
        def feed() -> dict[str, Any]:
            return {"who": current_principal.subject if current_principal else None}

        return made

    def test_who_shows_nothing_is_nobody(self, open_door: Made) -> None:
        answer = open_door.get("/feed")
        assert answer.json == {"who": None}
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Authorization" in answer.headers["Vary"]

    def test_who_shows_a_credential_is_known_and_held_to_the_rest(self, open_door: Made) -> None:
        assert open_door.get("/feed", bearer_header(sub="alice", scope="feed")).json == {"who": "alice"}
        assert open_door.get("/feed", bearer_header(sub="alice")).status_code == 403

    @pytest.mark.parametrize(
        ("shown", "status"),
        [
            (("Authorization", f"Bearer {forged()}"), 401),
            (("Authorization", f"Bearer {unknown_key()}"), 401),
            (("Authorization", "Bearer x.y.z"), 401),
            (("Authorization", "Bearer"), 400),
            (("Authorization", "Bearer a,b"), 400),
            (("Authorization", "Basic YTpi"), 401),
            (("Authorization", "DPoP abc"), 401),
            (("X-API-Key", "stp_live_nothing"), 401),
        ],
    )
    def test_what_does_not_hold_never_passes_as_nobody(
        self, open_door: Made, shown: tuple[str, str], status: int
    ) -> None:
        assert open_door.get("/feed", shown).status_code == status

    def test_an_expired_token_is_not_nobody(self, open_door: Made) -> None:
        assert open_door.get("/feed", bearer_header(scope="feed", exp=1, iat=0)).status_code == 401

    def test_a_kind_that_is_not_named_is_refused_too(self, made: Made) -> None:
        made.route("/token", principal_optional(bearer))
        assert made.get("/token", ("X-API-Key", "stp_live_x")).status_code == 401
        assert made.get("/token", ("X-API-Key", "k"), bearer_header()).status_code == 400
        assert made.get("/token").status_code == 200

    def test_it_counts_as_open_where_a_table_says_who_may_pass(self, open_door: Made) -> None:
        guard = open_door.app.extensions["stopper"]
        assert guard.policy_for("feed", "GET") == 'principal_optional((bearer | api_key) & scope("feed"))'

    @pytest.mark.parametrize(
        "wrong",
        [
            lambda: principal_optional(public),
            lambda: principal_optional(scope("a")),  # type: ignore[arg-type]
            lambda: principal_optional(principal_optional(bearer)),
            lambda: principal_optional(bearer) & scope("a"),
            lambda: principal_optional(bearer) | api_key,  # type: ignore[operator]
        ],
    )
    def test_what_would_bind_nobody_is_refused(self, wrong: Any) -> None:
        with pytest.raises(PolicyError):
            wrong()

    def test_what_uses_a_token_up_is_not_asked_of_nobody(self, made: Made) -> None:
        made.route("/once", principal_optional(bearer & once))
        assert made.get("/once").status_code == 503  # nothing remembers used tokens here: refused at the start
