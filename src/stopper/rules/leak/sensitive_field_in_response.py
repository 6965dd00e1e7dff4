"""Password hashes, keys and internal values go to whoever may read the answer."""

import re
from collections.abc import Iterator
from typing import Final, cast

from stopper.core.answers.response_fields import secret_fields, secrets_after_change, sent_texts, texts
from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import RouteRef
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.accounts.login import ENTERED, REGISTERED
from stopper.core.probing.errors_seen import shown_so_far
from stopper.core.probing.internal import left_behind
from stopper.core.probing.provoke import asked_honestly
from stopper.core.rule import Rule

TELLING: Final = 12
"""Characters from which a password in an answer is no word that happens to stand there; a shorter one counts beside its owner's name."""


PAGE_MOST: Final = 200_000
"""Characters of a page in which hashes are looked for."""
_IN_PAGE: Final = re.compile(
    r"(?i)(?P<hash>\$2[aby]\$\d\d\$[./a-z0-9]{53}|\$argon2id?\$v=|(?:pbkdf2:sha\d+|scrypt):[\d:]{3,20}\$|"
    r"\bpass(?:word)?[ _-]?(?:hash)?\W{1,6}(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})\b)|<th[^>]{0,200}>\s{0,20}(?:password|passwd|pwd)(?:[ _]hash)?\s{0,20}</th>"
)
_MASKED: Final = re.compile(r"[*•●]{3}")
"""How pages show what belongs to nobody's eyes: a hash as libraries write it, one behind the word, or a table's column of passwords."""


def probe(target: Target) -> Steps[Verdict]:
    """Look for members of JSON answers whose name says that nobody should see their value, and for the passwords of the scan's people.
    An answer to a registration, a log-in or another change may show what the caller sent and what is rightly shown once."""
    places: list[RouteRef] = []
    evidence: list[Evidence] = []
    asked = [(one.ref, one.honest) for one in (yield from asked_honestly(target))]
    asked += _people_came_in(target)
    known = {ref for ref, _ in asked}
    asked += [one for one in (yield from left_behind(target)).served if one[0] not in known]
    asked += [one for one in shown_so_far(target) if "{" in one[0].path]  # whose id another probe alone may have had
    for ref, exchange in asked:
        what = _seen(target, exchange) if exchange.response.succeeded and ref not in places else ""
        if what:
            places.append(ref)
            evidence.append(Evidence("exchange", f"{ref.path} answers with {what}", exchange))
    if places:
        return failed(f"{places[0]} answers with what nobody should see", places, evidence)
    if not asked:
        return not_applicable("no route can be asked in this mode")
    return passed(f"none of {len(asked)} routes answers with a field that nobody should see")


def _people_came_in(target: Target) -> Iterator[tuple[RouteRef, Exchange]]:
    """The registrations and log-ins of the scan's people: no probe need ask them again."""
    for name, entry in list(target.notes.items()):
        if name.startswith((REGISTERED, ENTERED)) and isinstance(entry, tuple):
            route, exchange = cast("tuple[Route, Exchange]", entry)
            yield RouteRef(exchange.request.method, route.path), exchange


def _seen(target: Target, one: Exchange) -> str:
    reads = one.request.method == "GET"
    names = secret_fields(one.response) if reads else secrets_after_change(one)
    if names:
        return ", ".join(names[:4])
    if reads and one.response.content_type == "text/html" and (shown := _IN_PAGE.search(one.response.text[:PAGE_MOST])):
        if shown.group("hash"):
            return "the hash of a password"
        return "" if _MASKED.search(one.response.text) else "a column of passwords"
    said = set(texts(one.response.json())) - (set[str]() if reads else set(sent_texts(one)))
    for person in target.identities:
        password = person.password.reveal() if person.password is not None and not person.minted else ""
        if password in said and (len(password) >= TELLING or person.subject in said) and password != person.subject:
            return f"the password of {person.name}"
    return ""


RULE = Rule(
    slug="sensitive-field-in-response",
    family="leak",
    title="A sensitive field in a response",
    harm="Password hashes, keys and internal values go to whoever may read the answer.",
    severity="high",
    check="property-authorization",
    cwe=(213,),
    owasp="API3:2023",
    asvs=("V15.3.1",),
    surfaces=("wsgi", "http"),
    ends="Stopper's `Secret` is answered as `***`, so a key that is one does not go out.",
    probe=probe,
    effect_of=("whole-model-serialized",),
)
