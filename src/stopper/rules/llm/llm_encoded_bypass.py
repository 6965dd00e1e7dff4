"""What the model refuses in plain words it does in base64."""

from stopper.core.finding import Verdict
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probe_llm import broken, models
from stopper.core.rule import Rule


def probe(target: Target) -> Steps[Verdict]:
    """What a plain request does not get, the same request in another spelling must not get either."""
    if not (yield from models(target)):
        return not_applicable("no endpoint of a language model answers in this mode")
    found = yield from broken(target, "encoded")
    if found is None:
        return passed("no other spelling moved the model")
    return failed(
        f"{found.model.ref} obeys in another spelling what it refuses in plain words ({found.attack.name})",
        [found.model.ref],
        found.evidence,
    )


RULE = Rule(
    slug="llm-encoded-bypass",
    family="llm",
    title="An encoded request passes the model's limits",
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
