"""A token travels over plain HTTP, or other sites and subdomains get it along."""

from collections.abc import Callable, Iterator
from typing import Final

from stopper.core.answers.cookie_flags import CookieSet, lacking_flags, set_cookies
from stopper.core.app import App
from stopper.core.deployment.setting_facts import MISSING, in_force, is_written, switched_to_true, switches
from stopper.core.facts import source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.cookies import answers_with_cookies
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_extended import LIBRARY, locations, manager, stands_on_stopper, uses

NAMES: Final = ("JWT_ACCESS_COOKIE_NAME", "JWT_REFRESH_COOKIE_NAME")
DEFAULTS: Final = ("access_token_cookie", "refresh_token_cookie")


def detect(app: App) -> Iterator[Hit]:
    """Secure off, SameSite unset or None, or a domain, while cookies are a place for tokens."""
    if not uses(app) or ("cookies" not in locations(app) and not _sets_cookies(app)):
        return
    seen = False
    for key, wrong in _WRONG.items():
        for doubt in switches(app, key):
            if wrong(doubt.value):
                seen = True
                yield Hit(
                    f"tokens come in cookies and {key} leaves them open",
                    doubt.span,
                    certainty="possible" if doubt.desk else None,
                    reader=None if doubt.span is not None else "running",
                )
    place = manager(app)
    unset = [key for key in ("JWT_COOKIE_SECURE", "JWT_COOKIE_SAMESITE") if _left_out(app, key)]
    if unset and not seen and place is not None and not stands_on_stopper(app):
        state = "is left at its weak default" if len(unset) == 1 else "are left at their weak defaults"
        yield Hit(f"tokens come in cookies and {' and '.join(unset)} {state}", place)


def _sets_cookies(app: App) -> bool:
    """A log-in puts tokens into cookies, wherever they are looked for."""
    return any(True for _ in source_of(app).calls(f"{LIBRARY}.set_access_cookies", f"{LIBRARY}.set_refresh_cookies"))


def _left_out(app: App, key: str) -> bool:
    return not is_written(app, key) and in_force(app, key) is MISSING


_WRONG: Final[dict[str, Callable[[object], bool]]] = {
    "JWT_COOKIE_SECURE": lambda value: not value,
    "JWT_COOKIE_SAMESITE": lambda value: value is None or str(value).lower() == "none",
    "JWT_COOKIE_DOMAIN": lambda value: isinstance(value, str) and value.strip(".").count(".") <= 1 and "." in value,
}


def probe(target: Target) -> Steps[Verdict]:
    """Look at the cookies with tokens that answers to a log-in set."""
    names = {str(fact.value) for key in NAMES if (fact := target.app.config.get(key)) is not None} or set(DEFAULTS)
    answers = yield from answers_with_cookies(target)
    mine = [
        (ref, exchange, cookie)
        for ref, exchange in answers
        for cookie in set_cookies(exchange.response)
        if cookie.name in names and cookie.value
    ]
    if not mine:
        return not_applicable("no answer set a cookie of Flask-JWT-Extended")
    for ref, exchange, cookie in mine:
        lacking = _lacking(cookie)
        if lacking:
            seen = Evidence("exchange", f"the cookie {cookie.name} lacks {', '.join(lacking)}", exchange)
            return failed(f"{ref} sets a token in a cookie without {', '.join(lacking)}", (ref,), (seen,))
    return passed("every cookie with a token has Secure, HttpOnly and SameSite")


def _lacking(cookie: CookieSet) -> tuple[str, ...]:
    return lacking_flags(cookie)


def fix(app: App, hit: Hit) -> Edit | None:
    """The literal False switched."""
    return switched_to_true(app, hit, "JWT_COOKIE_SECURE")


RULE = Rule(
    slug="jwt-cookie-insecure",
    family="flask-jwt-extended",
    title="The cookie that holds a token is not protected",
    harm=__doc__ or "",
    severity="medium",
    check="transport",
    cwe=(614,),
    owasp="API8:2023",
    asvs=("V3.3.1",),
    surfaces=(
        "source",
        "wsgi",
        "http",
    ),
    ends="Stopper's `@bearer` keeps tokens out of cookies.",
    detect=detect,
    probe=probe,
    fix=fix,
)
