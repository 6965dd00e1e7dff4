"""The session travels over plain HTTP, can be read by scripts, or goes along with other sites' requests."""

from collections.abc import Callable, Iterator
from typing import Final

from stopper.core.answers.cookie_flags import (
    FLAGS,
    INTERFACES,
    flags_of_own_interfaces,
    flags_of_own_responses,
    lacking_flags,
    own_session_stores,
)
from stopper.core.app import App
from stopper.core.deployment.setting_facts import (
    MISSING,
    application_made,
    in_force,
    is_written,
    settings_out_of_sight,
    switches,
    uses_session,
    written,
)
from stopper.core.deployment.settings_set_aside import is_place_set_aside
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.place import Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.cookies import session_cookies
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import is_constant

_OFF: Final[Callable[[object], bool]] = lambda value: not value  # noqa: E731
_WRONG: Final[dict[str, Callable[[object], bool]]] = {
    "SESSION_COOKIE_SECURE": _OFF,
    "SESSION_COOKIE_HTTPONLY": _OFF,
    "SESSION_COOKIE_SAMESITE": lambda value: value is None or str(value).lower() == "none",
    "REMEMBER_COOKIE_SECURE": _OFF,
    "REMEMBER_COOKIE_HTTPONLY": _OFF,
}
_OF_TALISMAN: Final = frozenset({"session_cookie_secure", "session_cookie_http_only", "session_cookie_samesite"})
_NEEDED: Final = ("SESSION_COOKIE_SECURE", "SESSION_COOKIE_SAMESITE")


def detect(app: App) -> Iterator[Hit]:
    """A flag switched off in any spelling, or the weak defaults left where the session is used."""
    facts, seen = source_of(app), False
    talisman = any(True for _ in facts.calls("flask_talisman.Talisman", "flask_talisman.Talisman.init_app"))
    for key, wrong in _WRONG.items():
        for doubt in switches(app, key):
            if doubt.span is None and (talisman or not uses_session(app)):
                continue
            if wrong(doubt.value) and not is_place_set_aside(facts, key, doubt.span):
                seen = True
                yield Hit(
                    f"{key} leaves the cookie unprotected",
                    doubt.span or application_made(app),
                    certainty="possible" if doubt.desk else None,
                    reader=None if doubt.span is not None else "running",
                )
    for call in (
        facts.calls("flask_talisman.Talisman", "flask_talisman.Talisman.init_app", "*.init_app") if talisman else ()
    ):
        said = {name: value for name, value in call.keywords if name in _OF_TALISMAN}
        if call.span is not None and any(is_constant(value, False, None, "None") for value in said.values()):
            seen = True
            yield Hit("Talisman is told to leave the session's cookie unprotected", call.span)
    if (remembers := _remembers(app)) is not None:
        yield Hit("REMEMBER_COOKIE_SECURE is left off, and the log-in is remembered", remembers, certainty="likely")
    for left in _of_own_interface(facts):
        seen = True
        yield Hit("the project's own session interface leaves the cookie unprotected", left)
    place = application_made(app)
    if seen or talisman or place is None or not uses_session(app) or next(own_session_stores(facts), None) is not None:
        return
    given = flags_of_own_responses(facts) | flags_of_own_interfaces(facts)
    needed = [key for key in _NEEDED if key.rpartition("_")[2].lower() not in given]
    unset = [key for key in needed if not is_written(app, key) and in_force(app, key) is MISSING]
    if unset:
        state = "is left at its weak default" if len(unset) == 1 else "are left at their weak defaults"
        yield Hit(f"the session is used, and {' and '.join(unset)} {state}", place, certainty="likely")


def _remembers(app: App) -> Span | None:
    """A log-in that sends Flask-Login's cookie, which has no Secure by default."""
    key = "REMEMBER_COOKIE_SECURE"
    if is_written(app, key) or in_force(app, key) is not MISSING or settings_out_of_sight(app, key):
        return None
    for call in source_of(app).calls("flask_login.login_user", "flask_login.utils.login_user"):
        if is_constant(call.argument(1, "remember"), True):
            return call.span
    return None


def _of_own_interface(facts: SourceFacts) -> Iterator[Span]:
    """``def get_cookie_httponly(self, app): return False``, whatever the setting says."""
    for one in facts.classes(*INTERFACES):
        for flag in FLAGS:
            for returned in facts.returns_of(f"{one.name}.get_cookie_{flag}"):
                if is_constant(returned.value, False, None, "None"):
                    yield returned.span


def probe(target: Target) -> Steps[Verdict]:
    """Look at the session and remember-me cookies that answers set."""
    cookies = yield from session_cookies(target)
    for ref, exchange, cookie in cookies:
        if lacking := lacking_flags(cookie):
            evidence = Evidence("exchange", f"the cookie {cookie.name} lacks {', '.join(lacking)}", exchange)
            return failed(f"{ref} sets the cookie {cookie.name} without {', '.join(lacking)}", (ref,), (evidence,))
    return (
        passed("the session cookie has Secure, HttpOnly and SameSite")
        if cookies
        else not_applicable("no answer set a session cookie")
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """The literal switched."""
    for key in _WRONG:
        for write in written(app, key):
            span = write.value.span
            if write.span != hit.span or span is None:
                continue
            if is_constant(write.value, False):
                return Edit(span, "True", safe=False)
            if is_constant(write.value, None, "None") and key.endswith("SAMESITE"):
                return Edit(span, '"Lax"', safe=False)
    return None


RULE = Rule(
    slug="session-cookie-insecure",
    family="session",
    title="The session cookie lacks Secure, HttpOnly or SameSite",
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
    ends="Stopper's `@browser_session` has a `__Host-` cookie, Secure, HttpOnly and SameSite.",
    detect=detect,
    probe=probe,
    fix=fix,
)
