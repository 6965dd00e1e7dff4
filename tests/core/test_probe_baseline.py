"""What a probe stands on: which routes count as protected, and when an answer means "let in"."""

import json
from collections.abc import Callable

import pytest

from stopper.core.app import App, Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.probe import Identity, Send, Skipped, Steps, Target
from stopper.core.probing.baseline import (
    NONSENSE,
    Baseline,
    alike,
    attempt,
    establish,
    form,
    is_door,
    judge,
    protected,
    same,
    with_token,
)
from stopper.core.secret import Secret

GOOD = "aaaa.bbbb.cccc"
ALICE = Identity("alice", (("Authorization", Secret(f"Bearer {GOOD}")),), Secret(GOOD), "alice@example.com")
Answer = Callable[[Request], Response]


def answer(status: int, value: object) -> Response:
    """A JSON answer."""
    return Response(status, (("Content-Type", "application/json"),), json.dumps(value).encode())


def guarded(request: Request) -> Response:
    """Lets the good token in and refuses the rest."""
    shown = request.header("Authorization")
    return answer(200, {"notes": ["tea"]}) if shown == f"Bearer {GOOD}" else answer(401, {"error": "no"})


def target(*paths: str) -> Target:
    """A target with GET routes of those paths."""
    routes = tuple(Route(path, ("GET",)) for path in paths)
    return Target(
        App(routes=routes), "wsgi", "http://localhost", "default", "quick", None,  # type: ignore[arg-type]
        lambda route, method: Request(method, route.path), (ALICE,),
    )  # fmt: skip


def drive(steps: Steps[Baseline | None], server: Answer) -> tuple[Baseline | None, list[Request]]:
    """Run a generator against *server*; the result and the requests that it sent."""
    sent: list[Request] = []
    reply: Exchange | None = None
    while True:
        try:
            step = steps.send(reply)
        except StopIteration as stop:
            return stop.value, sent
        assert isinstance(step, Send)
        sent.append(step.request)
        reply = Exchange(step.request, server(step.request))


def established(server: Answer) -> Baseline:
    """The baseline of one route of *server*."""
    asked = target("/notes")
    found, _ = drive(establish(asked, asked.app.routes[0], "GET", ALICE), server)
    assert found is not None
    return found


def test_a_route_that_only_the_good_token_opens_is_protected() -> None:
    assert established(guarded).kind == "protected"


def test_a_route_that_answers_everybody_alike_is_public_and_never_bypassed() -> None:
    assert established(lambda _: answer(200, {"notes": []})).kind == "public"


def test_a_route_that_takes_any_text_as_a_credential_is_told_apart_from_a_public_one() -> None:
    found = established(lambda request: answer(200, {"a": 1}) if request.header("Authorization") else answer(401, {}))
    assert found.kind == "presence-only"


def test_a_route_that_refuses_even_the_good_token_proves_nothing() -> None:
    assert established(lambda _: answer(401, {"error": "no"})).kind == "unclear"


def test_one_form_with_other_words_is_not_taken_for_public() -> None:
    """An API that answers 200 with a message whether or not one is let in (complaint: "judged by status")."""
    found = established(lambda request: answer(200, {"message": "hi" if request.header("Authorization") else "no"}))
    assert found.kind == "unclear"


@pytest.mark.parametrize(
    ("response", "judgement"),
    [
        (answer(200, {"notes": ["tea"]}), "let-in"),
        (answer(200, {"notes": ["milk", "rice"]}), "let-in"),
        (answer(401, {"error": "no"}), "kept-out"),
        (answer(422, {"msg": "bad signature"}), "kept-out"),
        (answer(200, {"error": "invalid token"}), "kept-out"),
        (answer(500, {"notes": ["tea"]}), "unclear"),
        (Response(0, error="reset"), "unclear"),
    ],
)
def test_an_answer_is_judged_by_content_against_the_controls(response: Response, judgement: str) -> None:
    assert judge(established(guarded), response) == judgement


def test_the_search_is_done_once_and_the_good_token_is_shown_again_each_time() -> None:
    asked = target("/login", "/open", "/notes")

    def server(request: Request) -> Response:
        return guarded(request) if request.target == "/notes" else answer(200, {})

    first, sent = drive(protected(asked), server)
    again, resent = drive(protected(asked), server)
    assert first is not None
    assert again is not None
    assert first.ref == again.ref
    assert len(sent) > len(resent) == 1
    gone, _ = drive(protected(asked), lambda _: answer(401, {"error": "revoked"}))
    assert gone is None


def _refused(reason: str) -> Steps[str]:
    yield Send(Request("GET", "/"))
    raise Skipped(reason)


def test_one_forbidden_request_is_passed_over() -> None:
    steps = attempt(_refused("its path says 'wipe'"))
    next(steps)
    with pytest.raises(StopIteration) as ended:
        steps.send(None)
    assert ended.value.value is None


@pytest.mark.parametrize(
    "reason", ["the budget of 9 requests is used up; raise it with --max-requests", "the scan was stopped"]
)
def test_a_used_up_budget_ends_the_probe_so_that_it_cannot_pass(reason: str) -> None:
    steps = attempt(_refused(reason))
    next(steps)
    with pytest.raises(Skipped):
        steps.send(None)


def test_swapping_the_token_keeps_the_scheme_and_the_header() -> None:
    request = with_token(ALICE, NONSENSE).on(Request("GET", "/"))
    assert request.headers == (("Authorization", f"Bearer {NONSENSE}"),)


def test_changing_times_and_ids_do_not_make_answers_differ() -> None:
    left = answer(200, {"at": "2026-11-25T07:00:00Z", "id": "6f1f6a0e-0a3f-4c8e-9b1e-1f2a3b4c5d6e", "n": 3})
    right = answer(200, {"at": "2026-11-25T07:00:09Z", "id": "00000000-0a3f-4c8e-9b1e-1f2a3b4c5d6e", "n": 3})
    assert same(left, right)
    assert not same(left, answer(200, {"at": "2026-11-25T07:00:00Z", "id": "6", "n": 4}))


def test_two_json_scalars_are_not_alike_because_they_have_no_form() -> None:
    assert not alike(answer(200, "hello"), answer(200, "go away"))
    assert form({"b": [1, 2], "a": None}) == form({"a": "x", "b": [3]})


@pytest.mark.parametrize(
    ("path", "methods", "parameters", "door"),
    [
        ("/docs", ("GET",), (), True),
        ("/api/docs", ("GET", "HEAD"), (), True),
        ("/docs", ("GET", "POST"), (), False),
        ("/docs/{number}", ("GET",), (("number", "integer"),), False),
        ("/swagger", ("GET", "POST"), (), True),
        ("/login", ("POST",), (), True),
    ],
)
def test_documents_that_somebody_keeps_are_no_description_of_the_api(
    path: str, methods: tuple[str, ...], parameters: tuple[tuple[str, str], ...], door: bool
) -> None:
    assert is_door(Route(path, methods, parameters=parameters)) is door
