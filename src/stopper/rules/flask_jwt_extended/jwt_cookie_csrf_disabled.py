"""Any page that a signed-in person visits can act in their name."""

from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.effective_settings import answered, open_place
from stopper.core.deployment.setting_facts import MISSING, is_list, members, plain, switched_to_true, switches, written
from stopper.core.deployment.stages_of_settings import is_for_one_desk
from stopper.core.facts import source_of
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_extended import locations, uses

_OFF: Final = "tokens come in cookies and JWT_COOKIE_CSRF_PROTECT is off"
CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def detect(app: App) -> Iterator[Hit]:
    """The protection is off, or leaves out a method that changes state, while cookies are a place for tokens."""
    guards = [place for one in app.extensions.token_guards for place in one.locations]
    if not uses(app) or "cookies" not in (*locations(app), *guards):
        return
    facts = source_of(app)
    for doubt in switches(app, "JWT_COOKIE_CSRF_PROTECT"):
        if doubt.span is not None and not doubt.value:
            yield Hit(_OFF, doubt.span, certainty="possible" if doubt.desk else None)
    force = answered(app, "JWT_COOKIE_CSRF_PROTECT")
    if force is not MISSING and not force:
        yield Hit(_OFF, open_place(app, "JWT_COOKIE_CSRF_PROTECT"), reader="running")
    for write in written(app, "JWT_CSRF_METHODS"):
        for value in plain(facts, write.value):
            if _lacks(value):
                yield Hit(_narrow(members(value)), write.span, certainty="possible" if is_for_one_desk(write) else None)
    force = answered(app, "JWT_CSRF_METHODS")
    if _lacks(force):
        yield Hit(_narrow(members(force)), open_place(app, "JWT_CSRF_METHODS"), reader="running")


def _lacks(value: object) -> bool:
    """A list of methods without one that changes state."""
    return is_list(value) and not {str(one).upper() for one in members(value)} >= CHANGING


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
    surfaces=("source", "running"),
    ends="Stopper's `@bearer` reads no cookie, so another site cannot send the credential along.",
    detect=detect,
    fix=fix,
)
