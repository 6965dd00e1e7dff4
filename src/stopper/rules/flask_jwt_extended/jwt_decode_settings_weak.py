"""A token that was made for another service, or under another kind of key, opens this one."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.effective_settings import answered, open_place
from stopper.core.deployment.setting_facts import (
    MISSING,
    in_force,
    is_list,
    members,
    plain,
    settings_out_of_sight,
    switched_to_true,
    switches,
    written,
)
from stopper.core.fact import ConfigWrite
from stopper.core.facts import SourceFacts, source_of
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.tokens.jwt_extended import manager, stands_on_stopper, uses
from stopper.core.values import EnvironmentValue

_FAMILIES: Final = {"HS": "shared secret", "RS": "key pair", "PS": "key pair", "ES": "key pair", "Ed": "key pair"}
_MIXED: Final = "JWT_DECODE_ALGORITHMS mixes shared secrets and key pairs"
_NEEDED: Final = ("JWT_DECODE_AUDIENCE", "JWT_DECODE_ISSUER")


def detect(app: App) -> Iterator[Hit]:
    """Families of algorithms mixed, the subject's check off, a check switched off, or neither audience nor issuer set."""
    if not uses(app):
        return
    for doubt in switches(app, "JWT_VERIFY_SUB"):
        if doubt.span is not None and (doubt.value is False or doubt.value == 0):
            yield Hit("JWT_VERIFY_SUB is off", doubt.span, certainty="certain")
    force = answered(app, "JWT_VERIFY_SUB")
    if force is False or force == 0:
        yield Hit("JWT_VERIFY_SUB is off", open_place(app, "JWT_VERIFY_SUB"), certainty="certain", reader="running")
    facts = source_of(app)
    for write in written(app, "JWT_DECODE_ALGORITHMS"):
        for value in plain(facts, write.value):
            if _mixed(value):
                yield Hit(_MIXED, write.span, certainty="certain")
    if _mixed(answered(app, "JWT_DECODE_ALGORITHMS")):
        yield Hit(_MIXED, open_place(app, "JWT_DECODE_ALGORITHMS"), reader="running")
    yield from _unset(app)


def _unset(app: App) -> Iterator[Hit]:
    place = manager(app)
    if stands_on_stopper(app) or (place is None and app.extensions.tokens is None):
        return
    lacking = [key for key in _NEEDED if not _set(app, key)]
    if lacking:
        sure: Certainty = "likely" if len(lacking) == 1 or _has_others_keys(app) else "possible"
        said = f"{' and '.join(lacking)} unset: a token for another service is taken"
        running = app.extensions.tokens is not None and in_force(app, lacking[0]) is not MISSING
        yield Hit(said, place, certainty=sure, reader="running" if running else None)


def _mixed(value: object) -> bool:
    names = [str(one) for one in members(value)] if is_list(value) else []
    return len({_FAMILIES.get(name[:2], name) for name in names if name != "none"}) > 1 or "none" in names


def _set(app: App, key: str) -> bool:
    force = in_force(app, key)
    if force is not MISSING:
        return bool(force)
    facts = source_of(app)
    writes = list(written(app, key))
    if settings_out_of_sight(app, key):
        return True
    if len(writes) > 1 and _is_taken_back(facts, writes):
        return False
    values = [write.value for write in writes]
    return any(isinstance(value, EnvironmentValue) or plain(facts, value) not in ((None,), ("",)) for value in values)


def _is_taken_back(facts: SourceFacts, writes: list[ConfigWrite]) -> bool:
    """``app.config["JWT_DECODE_AUDIENCE"] = None`` below the line that set it, whatever the application is started with."""
    *before, last = writes
    below = all(one.span.path == last.span.path and one.span.line < last.span.line for one in before)
    alone = last.how == "item" and not any(True for _ in facts.conditions_around(last.span))
    return below and alone and plain(facts, last.value) == (None,)


def _has_others_keys(app: App) -> bool:
    """Tokens are verified with a public key, so somebody else may issue them."""
    return bool(answered(app, "JWT_PUBLIC_KEY") not in (MISSING, None, "")) or any(
        True for _ in written(app, "JWT_PUBLIC_KEY")
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """The literal False switched."""
    return switched_to_true(app, hit, "JWT_VERIFY_SUB")


RULE = Rule(
    slug="jwt-decode-settings-weak",
    family="flask-jwt-extended",
    title="Tokens of others are taken: audience, issuer, algorithms or subject are not checked",
    harm=__doc__ or "",
    severity="medium",
    check="authentication",
    cwe=(345,),
    owasp="API2:2023",
    asvs=("V9.2.3",),
    surfaces=("source", "running"),
    ends="`Stopper(app)` requires issuer, audience and the algorithms of each issuer.",
    certainty="likely",
    detect=detect,
    fix=fix,
)
