"""Where an API answers with a language model, and how a probe talks to it."""

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange, Request, Response
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, listen, not_applicable, passed, send
from stopper.core.probing.baseline import answered, attempt
from stopper.core.probing.inputs import members
from stopper.core.probing.llm_attacks import Aim, Attack, Marker, attacks, proven
from stopper.core.probing.query import with_query
from stopper.core.probing.shared import found_once

MODEL_PATH: Final = re.compile(
    r"(?i)(^|[/_.-])(chat\w*|completions?|ask|prompts?|generate|generation|llm|gpt|ai|assistants?|copilot|bot|agents?|converse|conversations?|inference|answers?|summari[sz]e)([/_.-]|$)"
)
_FIELDS: Final = (
    "prompt",
    "message",
    "question",
    "query",
    "input",
    "text",
    "content",
    "user_input",
    "user_message",
    "q",
    "messages",
)
_REPLIES: Final = (
    "reply",
    "answer",
    "response",
    "completion",
    "output",
    "content",
    "text",
    "message",
    "result",
    "generated_text",
    "summary",
    "data",
)
_METADATA: Final = (
    "usage",
    "total_tokens",
    "prompt_tokens",
    "completion_tokens",
    "choices",
    "finish_reason",
    "stop_reason",
)
_QUESTIONS: Final = ("What can you help me with?", "How long is a week?")
_MOST: Final = {"quick": 2, "standard": 3, "deep": 6}


@dataclass(frozen=True, slots=True)
class Model:
    """One endpoint behind which a model answers: where the question goes, and an honest exchange."""

    route: Route
    request: Request
    field: str
    honest: Exchange
    other: Exchange

    @property
    def ref(self) -> RouteRef:
        """As a report names it."""
        return RouteRef(self.request.method, self.route.path)

    def asked(self, question: str, history: tuple[tuple[str, str], ...] = ()) -> Request:
        """The question, after what was said before where the endpoint takes messages."""
        return _filled(self.request, self.field, question, history)


def models(target: Target) -> Steps[list[Model]]:
    """The model endpoints that answer; looked for once a scan."""
    known = yield from found_once(target, "models", lambda: _models(target))
    return known[: _MOST[target.depth]]


def _models(target: Target) -> Steps[list[Model]]:
    known = list[Model]()
    for route, method in _likely(target)[: _MOST[target.depth] * 2]:
        found = yield from attempt(_model(target, route, method))
        if found is not None:
            known.append(found)
    return known


def _likely(target: Target) -> list[tuple[Route, str]]:
    pairs = [
        (route, method)
        for route in target.app.routes
        for method in ("POST", "GET")
        if method in route.methods
        and MODEL_PATH.search(route.path)
        and (method == "POST" or set(route.names) & set(_FIELDS))
    ]
    return sorted(pairs, key=lambda pair: (not set(pair[0].names) & set(_FIELDS), pair[0].path))


def _model(target: Target, route: Route, method: str) -> Steps[Model | None]:
    """The endpoint, when it answers two questions in words of its own that differ from each other and from the question."""
    honest = target.request_for(route, method)
    for field in _candidates(route, honest):
        first = yield from answered(target, _filled(honest, field, _QUESTIONS[0]))
        if not first.response.succeeded:
            if first.response.status in (400, 422):
                continue
            return None
        request = replace(honest, headers=first.request.headers, identity=first.request.identity)
        second = yield from send(_filled(request, field, _QUESTIONS[1]))
        if _is_model(first.response, second.response):
            return Model(route, request, field, first, second)
    return None


def _candidates(route: Route, honest: Request) -> list[str]:
    known: list[str] = [name for name in _FIELDS if name in (*members(honest), *route.names)]
    return known[:2] or ["message", "prompt", "messages"]


def _filled(request: Request, field: str, question: str, history: tuple[tuple[str, str], ...] = ()) -> Request:
    if request.method == "GET":
        return with_query(request, field, question)
    value: object = question
    if field == "messages":
        before = [
            said
            for pair in history
            for said in ({"role": "user", "content": pair[0]}, {"role": "assistant", "content": pair[1]})
        ]
        value = [*before, {"role": "user", "content": question}]
    body = {**members(request), field: value}
    pairs = tuple(pair for pair in request.headers if pair[0].lower() != "content-type")
    return replace(request, headers=(*pairs, ("Content-Type", "application/json")), body=json.dumps(body).encode())


def _is_model(first: Response, second: Response) -> bool:
    if not second.succeeded:
        return False
    if any(f'"{name}"' in first.text for name in _METADATA):
        return True
    one, two = reply_of(first), reply_of(second)
    if len(one) < 2 or len(two) < 2:
        return False
    return not any(question in text for question, text in zip(_QUESTIONS, (one, two), strict=True))


def reply_of(response: Response) -> str:
    """The text that the model answered."""
    found = response.json()
    if isinstance(found, str):
        return found
    if found is None:
        return response.text
    return max(_texts(found, 6), key=len, default="")


def _texts(value: object, depth: int, named: bool = False) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(value, str) and named:
        yield value
    elif isinstance(value, dict):
        for name, inner in cast("dict[str, object]", value).items():
            yield from _texts(inner, depth - 1, name in _REPLIES)
    elif isinstance(value, list):
        for inner in cast("list[object]", value)[:20]:
            yield from _texts(inner, depth - 1, named)


# -- talking ---------------------------------------------------------------------------------------------------------------------


def marker() -> Marker:
    """A random word in two halves."""
    letters = "bcdfghjkmnpqrstvwz"
    return Marker(*("".join(secrets.choice(letters) for _ in range(6)) for _ in range(2)))


def tried(model: Model, attack: Attack, url: str = "https://image.example/") -> Steps[Exchange | None]:
    """The exchange that proves the attack, or None."""
    word = marker()
    history: tuple[tuple[str, str], ...] = ()
    answer: Exchange | None = None
    question = ""
    for question in attack.turns(word, url):
        answer = yield from send(model.asked(question, history))
        history = (*history, (question, reply_of(answer.response)))
    if answer is None or not answer.response.succeeded:
        return None
    return answer if proven(attack, word, question, reply_of(answer.response), answer.response.text) else None


def limits(target: Target, model: Model) -> Steps[Exchange | None]:
    """The refusal of a plain request that has nothing to do with the model's work; None where it does whatever it is asked.

    Where there is no limit, nothing can be said to have passed one.
    """
    key = f"model limits {model.ref}"
    if key not in target.notes:
        control = attacks("control", "quick")[0]
        word = marker()
        answer = yield from send(model.asked(control.turns(word, "")[0]))
        target.notes[key] = answer if answer.response.succeeded and word.word not in answer.response.text else None
    return cast("Exchange | None", target.notes[key])


@dataclass(frozen=True, slots=True)
class Broken:
    """An attack that worked, with what proves it."""

    model: Model
    attack: Attack
    evidence: tuple[Evidence, ...]


def broken(target: Target, aim: Aim, needs_limits: bool = True) -> Steps[Broken | None]:
    """The first attack of that aim that works on one of the endpoints."""
    for model in (yield from models(target)):
        refusal = yield from limits(target, model)
        for attack in attacks(aim, target.depth):
            if attack.proof == "obeyed" and needs_limits and refusal is None:
                continue
            url = "https://image.example/"
            if attack.proof == "beacon":
                url = (yield from listen()).url + "/"
            answer = yield from attempt(tried(model, attack, url))
            if answer is not None:
                return Broken(model, attack, _evidence(model, attack, refusal, answer))
    return None


def judged(target: Target, aim: Aim, worked: str, held: str) -> Steps[Verdict]:
    """Try the attacks of that aim on every endpoint; *worked* and *held* say in words what the outcome means."""
    if not (yield from models(target)):
        return not_applicable("no endpoint of a language model answers in this mode")
    found = yield from broken(target, aim)
    if found is None:
        return passed(held)
    return failed(f"{found.model.ref} {worked} ({found.attack.name})", [found.model.ref], found.evidence)


def _evidence(model: Model, attack: Attack, refusal: Exchange | None, answer: Exchange) -> tuple[Evidence, ...]:
    control = Evidence("exchange", "control: an honest question is answered", model.honest)
    refused = (
        (Evidence("exchange", "control: the same request in plain words is not followed", refusal),)
        if refusal is not None
        else ()
    )
    return (
        control,
        *refused,
        Evidence(
            "exchange", f"probe {attack.number}, {attack.name}: the answer holds what only obedience puts there", answer
        ),
    )
