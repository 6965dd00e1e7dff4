"""A question brings out other people's data or keys, or carries them to a stranger's host inside an image."""

from stopper.core.finding import Verdict
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.llm import broken, models
from stopper.core.probing.llm_told import told
from stopper.core.rule import Rule


def probe(target: Target) -> Steps[Verdict]:
    """Neither people's data nor keys may come out, nor an image whose address holds what the model was told."""
    if not (yield from models(target)):
        return not_applicable("no endpoint of a language model answers in this mode")
    found = yield from broken(target, "exfiltration")
    said = (yield from told(target)) if found is None else None
    if said is not None and said.holds_a_secret:
        return failed(f"{said.model.ref} tells a secret of its instructions", [said.model.ref], said.evidence)
    if found is None:
        return passed("nothing that must stay inside came out")
    return failed(
        f"{found.model.ref} gives away what it must keep ({found.attack.name})", [found.model.ref], found.evidence
    )


RULE = Rule(
    slug="llm-data-exfiltration",
    family="llm",
    title="The model gives data away",
    harm=__doc__ or "",
    severity="high",
    check="llm",
    cwe=(200,),
    owasp="API3:2023",
    asvs=("V14.2.6",),
    surfaces=("wsgi", "http"),
    ends="No setting of Stopper does; `leak_guard` of its tests sees secrets in answers.",
    probe=probe,
)
