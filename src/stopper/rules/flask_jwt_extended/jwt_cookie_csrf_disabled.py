"""Any page that a signed-in person visits can act in their name."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import source_of
from stopper.core.jwt_extended import locations, uses
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.setting_facts import (
    MISSING,
    in_force,
    is_for_one_desk,
    is_list,
    members,
    plain,
    switched_to_true,
    switches,
    written,
)

CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def detect(app: App) -> Iterator[Hit]:
    """The protection is off, or leaves out a method that changes state, while cookies are a place for tokens."""
    if not uses(app) or "cookies" not in locations(app):
        return
    facts = source_of(app)
    for doubt in switches(app, "JWT_COOKIE_CSRF_PROTECT"):
        if not doubt.value:
            yield Hit(
                "tokens come in cookies and JWT_COOKIE_CSRF_PROTECT is off",
                doubt.span,
                certainty="possible" if doubt.desk else None,
                reader=None if doubt.span is not None else "running",
            )
    seen = False
    for write in written(app, "JWT_CSRF_METHODS"):
        seen = True
        for value in plain(facts, write.value):
            if is_list(value) and not {str(one).upper() for one in members(value)} >= CHANGING:
                yield Hit(_narrow(members(value)), write.span, certainty="possible" if is_for_one_desk(write) else None)
    force = in_force(app, "JWT_CSRF_METHODS")
    if not seen and force is not MISSING and is_list(force):
        names = {str(one).upper() for one in members(force)}
        if not names >= CHANGING:
            yield Hit(_narrow(tuple(names)), reader="running")


def _narrow(methods: tuple[object, ...]) -> str:
    left = ", ".join(sorted(CHANGING - {str(one).upper() for one in methods}))
    return f"JWT_CSRF_METHODS leaves {left} without protection, and tokens come in cookies"


def fix(app: App, hit: Hit) -> Edit | None:
    """The literal False switched."""
    return switched_to_true(app, hit, "JWT_COOKIE_CSRF_PROTECT")


RULE = Rule(
    slug="jwt-cookie-csrf-disabled",
    family="flask-jwt-extended",
    title="Tokens are read from cookies without CSRF protection",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(352,),
    owasp="API8:2023",
    asvs=("V3.5.1",),
    surfaces=("source",),
    ends="Stopper's `@bearer` reads no cookie, so another site cannot send the credential along.",
    detect=detect,
    fix=fix,
)
