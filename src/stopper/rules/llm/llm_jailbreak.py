"""Anybody who tells the model a story gets what it refuses to give."""

from stopper.core.finding import Verdict
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probe_llm import broken, models
from stopper.core.rule import Rule


def probe(target: Target) -> Steps[Verdict]:
    """What a plain request does not get, a role, a mode or a game must not get either."""
    if not (yield from models(target)):
        return not_applicable("no endpoint of a language model answers in this mode")
    found = yield from broken(target, "jailbreak")
    if found is None:
        return passed("no role and no mode moved the model")
    return failed(
        f"{found.model.ref} drops its limits for a role or a mode ({found.attack.name})",
        [found.model.ref],
        found.evidence,
    )


RULE = Rule(
    slug="llm-jailbreak",
    family="llm",
    title="A jailbreak works",
    harm=__doc__ or "",
    severity="medium",
    check="llm",
    cwe=(1427,),
    owasp="API8:2023",
    asvs=(),
    surfaces=("wsgi", "http"),
    ends="No setting of Stopper does; `Stopper(app)` limits who may ask.",
    probe=probe,
)
