"""Everybody who may read the logs can act as the caller."""

from collections.abc import Iterator

from stopper.core.app import App
from stopper.core.facts import source_of
from stopper.core.labels import CREDENTIALS
from stopper.core.rule import Certainty, Hit, Rule

_WORDS = {
    "authorization-header": "the Authorization header",
    "token": "a token",
    "api-key": "an API key",
    "password": "a password",
    "config-secret": "a secret of the settings",
}


def detect(app: App) -> Iterator[Hit]:
    """A credential that reaches a logger or ``print`` as it is."""
    for flow in source_of(app).flows("log", "print", label=tuple(sorted(CREDENTIALS))):
        kinds = sorted({label.kind for label in flow.labels if label.kind in CREDENTIALS})
        certainty: Certainty = "likely" if flow.by_name_only(*kinds) else "certain"
        yield Hit(f"{_WORDS[kinds[0]]} is written to a log", flow.span, certainty=certainty)


RULE = Rule(
    slug="credential-logged",
    family="api-key",
    title="Credential written to a log",
    harm="Everybody who may read the logs can act as the caller.",
    severity="high",
    check="data-exposure",
    cwe=(532,),
    owasp="API8:2023",
    asvs=("V16.2.5",),
    surfaces=("source",),
    ends="Secret",
    detect=detect,
)
