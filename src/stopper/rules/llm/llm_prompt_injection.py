"""A sentence in a message makes the model forget what it was told, or tell what it was told."""

from stopper.core.finding import Verdict
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probe_llm import broken, models
from stopper.core.rule import Rule


def probe(target: Target) -> Steps[Verdict]:
    """Instructions in a message, a false turn or a document must not replace those of the application, nor bring them out."""
    if not (yield from models(target)):
        return not_applicable("no endpoint of a language model answers in this mode")
    found = yield from broken(target, "injection")
    if found is None:
        return passed("no smuggled instruction was followed")
    return failed(
        f"{found.model.ref} follows instructions that a message smuggles in ({found.attack.name})",
        [found.model.ref],
        found.evidence,
    )


RULE = Rule(
    slug="llm-prompt-injection",
    family="llm",
    title="The model follows instructions of a message",
    harm=__doc__ or "",
    severity="high",
    check="llm",
    cwe=(1427,),
    owasp="API8:2023",
    asvs=(),
    surfaces=("wsgi", "http"),
    ends="No setting of Stopper does; `Stopper(app)` limits who may ask.",
    probe=probe,
)
