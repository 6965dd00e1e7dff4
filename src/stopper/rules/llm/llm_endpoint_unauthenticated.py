"""Strangers talk to the model on the owner's account, as long and as often as they like."""

from collections.abc import Iterator
from dataclasses import replace

from stopper.core.app import App
from stopper.core.exchange import Exchange
from stopper.core.facts import source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.outgoing.llm_names import model_calls
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed, send
from stopper.core.probing.baseline import attempt
from stopper.core.probing.llm import Model, models, reply_of
from stopper.core.rule import Hit, Rule


def detect(app: App) -> Iterator[Hit]:
    """Open routes whose view, or a function that it calls, asks a model."""
    facts = source_of(app)
    seen: set[RouteRef] = set()
    for call in model_calls(facts):
        for ref in facts.routes_reaching(call.function) if call.function else ():
            route = next((one for one in app.routes if one.path == ref.path and ref.method in one.methods), None)
            access = route.access.get(ref.method) if route is not None else None
            if (
                route is None
                or ref in seen
                or access is None
                or access.state != "open"
                or ref.method in ("HEAD", "OPTIONS")
            ):
                continue
            seen.add(ref)
            yield Hit(f"nothing asks who is calling {ref}, and it asks a model", route.span, ref)


def probe(target: Target) -> Steps[Verdict]:
    """A question without a credential must not be answered by a model."""
    found = yield from models(target)
    if not found:
        return not_applicable("no endpoint of a language model answers in this mode")
    for model in found:
        answer = model.honest if _by_nobody(target, model.honest) else (yield from _without(target, model))
        if answer is not None and answer.response.succeeded and len(reply_of(answer.response)) > 1:
            evidence = [
                Evidence("exchange", "control: two questions get two answers of the model's own", model.other),
                Evidence("exchange", "a question without any credential is answered", answer),
            ]
            return failed(f"{model.ref} answers everybody with a model", [model.ref], evidence)
    return passed(f"{len(found)} model endpoints ask for a credential")


def _credentials(target: Target) -> set[str]:
    return {name.lower() for one in target.identities for name, _ in one.headers}


def _by_nobody(target: Target, honest: Exchange) -> bool:
    """Whether the question by which the endpoint was found showed no credential: a limit may turn the next one away."""
    shown = {name.lower() for name, _ in honest.request.headers}
    return honest.request.identity is None and not shown & {"authorization", "cookie", *_credentials(target)}


def _without(target: Target, model: Model) -> Steps[Exchange | None]:
    bare = model.asked("What can you help me with?")
    headers = tuple(pair for pair in bare.headers if pair[0].lower() not in _credentials(target))
    return (yield from attempt(send(replace(bare, headers=headers, identity=None))))


RULE = Rule(
    slug="llm-endpoint-unauthenticated",
    family="llm",
    title="A model answers without authentication",
    harm=__doc__ or "",
    severity="critical",
    check="llm",
    cwe=(306,),
    owasp="API2:2023",
    asvs=("V8.2.1",),
    surfaces=("source", "wsgi", "http"),
    ends="`Stopper(app)` runs no view without a policy, so the route says who may ask.",
    certainty="likely",
    detect=detect,
    probe=probe,
)
