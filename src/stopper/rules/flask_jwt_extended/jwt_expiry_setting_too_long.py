"""Whoever steals a token can use it for months, or for ever."""

from collections.abc import Iterator
from typing import Final, TypeGuard

from stopper.core.app import App
from stopper.core.deployment.lifetimes_of_settings import lasting, said_time, seconds
from stopper.core.deployment.setting_facts import in_force, written
from stopper.core.deployment.stages_of_settings import is_for_one_desk
from stopper.core.facts import source_of
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_extended import ended, issues, said_lifetime, uses
from stopper.core.values import ConfigValue, is_constant

LONGEST: Final = {"JWT_ACCESS_TOKEN_EXPIRES": 12 * 3600.0, "JWT_REFRESH_TOKEN_EXPIRES": 31 * 86400.0}
"""Half a day for a token that opens routes (ours: 15 minutes); a month, the library's own default, for one that gets new ones."""
_CALLS: Final = {
    "create_access_token": "JWT_ACCESS_TOKEN_EXPIRES",
    "create_refresh_token": "JWT_REFRESH_TOKEN_EXPIRES",
}


def detect(app: App) -> Iterator[Hit]:
    """A lifetime of false or longer than the policy, in a setting or in the call that makes the token."""
    if not uses(app):
        return
    facts = source_of(app)
    endless = not ended(app, "JWT_ALLOW_TOKENS_WITHOUT_EXPIRY")
    for key, most in LONGEST.items():
        lengths = [(write, seconds(facts, write.value)) for write in written(app, key)]
        for write, length in lengths:
            if _over(length, most, endless=endless):
                yield Hit(_said(key, length), write.span, certainty="possible" if is_for_one_desk(write) else None)
        force = lasting(in_force(app, key))
        if all(length is None for _, length in lengths) and _over(force, most, endless=endless):
            yield Hit(_said(key, force), next((write.span for write, _ in lengths), None), reader="running")
    told: set[str] = set()
    for word, key in _CALLS.items():
        for call in issues(facts, word):
            said = said_lifetime(call)
            if isinstance(said, ConfigValue) and f"{word} {said.key}" in told:
                continue  # one setting of the project's own, wherever tokens are made by it
            length = seconds(facts, said)
            if _over(length, LONGEST[key], endless=endless):
                told |= {f"{word} {said.key}"} if isinstance(said, ConfigValue) else set()
                yield Hit(f"the token that is made here lives {said_time(length)}", call.span)


def _over(length: float | None, most: float, *, endless: bool) -> TypeGuard[float]:
    """Longer than the policy; a token without an end counts where one can be made at all."""
    return length is not None and length > most and (endless or length != float("inf"))


def _said(key: str, length: float) -> str:
    return f"{key} lets a token live {said_time(length)}"


def fix(app: App, hit: Hit) -> Edit | None:
    """The library's default lifetime in place of a literal False."""
    for key in LONGEST:
        for write in written(app, key):
            span = write.value.span
            if write.span == hit.span and is_constant(write.value, False) and span is not None:
                whole = "900" if key.startswith("JWT_ACCESS") else "2592000"
                return Edit(span, whole, safe=False)
    return None


RULE = Rule(
    slug="jwt-expiry-setting-too-long",
    family="flask-jwt-extended",
    title="Tokens of Flask-JWT-Extended never expire, or live too long",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(613,),
    owasp="API2:2023",
    asvs=("V7.3.2",),
    surfaces=("source", "running"),
    ends="Stopper's access tokens live 15 minutes unless `STOPPER_ACCESS_TOKEN_LIFETIME` says otherwise.",
    repeats=("jwt-issued-without-expiry",),
    detect=detect,
    fix=fix,
)
