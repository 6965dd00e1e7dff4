"""A copied cookie opens the account for months."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.lifetimes_of_settings import lasting, said_time, seconds
from stopper.core.deployment.setting_facts import in_force, written
from stopper.core.deployment.stages_of_settings import is_for_one_desk
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.cookies import session_cookies
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import Call, is_constant, text_of, walk

LONGEST: Final = {"PERMANENT_SESSION_LIFETIME": 31 * 86400.0, "REMEMBER_COOKIE_DURATION": 31 * 86400.0}
"""A month; Flask's default for the first is 31 days, Flask-Login's for the second is 365."""

_KEEPS: Final = re.compile(r"(?i)^(?!.*(?:csrf|xsrf|consent|refresh)).*(?:sess|(?:^|[_-])sid$|remember|log_?in|auth)")
"""Names of cookies that keep somebody logged in."""


def detect(app: App) -> Iterator[Hit]:
    """A lifetime longer than a month, in a setting or at the log-in, or Flask-Login's session protection switched off."""
    facts = source_of(app)
    for key, most in LONGEST.items():
        seen = False
        for write in written(app, key):
            length, seen = seconds(facts, write.value), True
            if length is not None and length > most:
                yield Hit(
                    f"{key} lets the cookie live {said_time(length)}",
                    write.span,
                    certainty="possible" if is_for_one_desk(write) else None,
                )
        force = lasting(in_force(app, key))
        if not seen and force is not None and force > most:
            yield Hit(f"{key} lets the cookie live {said_time(force)}", reader="running")
    for call in facts.calls("*.set_cookie"):
        name = text_of(call.argument(0, "key")) or ""
        keeps = _KEEPS.search(name) is not None
        length = (seconds(facts, call.argument(2, "max_age")) or _until(facts, call)) if keeps else None
        if length is not None and length > max(LONGEST.values()):
            yield Hit(f"the cookie {name} lives {said_time(length)}", call.span, certainty="likely")
    if not facts.imports("flask_login"):
        return
    for call in facts.calls("flask_login.login_user", "flask_login.utils.login_user"):
        length = seconds(facts, call.argument(2, "duration"))
        if length is not None and length > LONGEST["REMEMBER_COOKIE_DURATION"]:
            yield Hit(f"the log-in is remembered {said_time(length)}", call.span)
    for assigned in facts.assignments():
        if assigned.attribute == "session_protection" and is_constant(assigned.value, None, False):
            yield Hit("Flask-Login's session_protection is off", assigned.span)
    for write in written(app, "SESSION_PROTECTION"):
        if is_constant(write.value, None, False):
            yield Hit("Flask-Login's SESSION_PROTECTION is off", write.span)


def _until(facts: SourceFacts, call: Call) -> float | None:
    """``expires=datetime.now(UTC) + timedelta(weeks=260)``"""
    added = (
        seconds(facts, part)
        for part in walk(call.argument(3, "expires"), 3)
        if isinstance(part, Call) and part.method in ("timedelta", "relativedelta")
    )
    return max((one for one in added if one is not None), default=None)


def probe(target: Target) -> Steps[Verdict]:
    """Look at the lifetime of the session and remember-me cookies that answers set."""
    cookies = yield from session_cookies(target)
    for ref, exchange, cookie in cookies:
        length = _length(cookie.attributes, exchange.response.header("Date"))
        if length is not None and length > max(LONGEST.values()) + 86400:
            evidence = Evidence("exchange", f"the cookie {cookie.name} lives {said_time(length)}", exchange)
            return failed(f"{ref} sets the cookie {cookie.name} for {said_time(length)}", (ref,), (evidence,))
    return (
        passed("the session cookie ends within a month")
        if cookies
        else not_applicable("no answer set a session cookie")
    )


def _length(attributes: Mapping[str, str], date: str | None) -> float | None:
    said = attributes
    if re.fullmatch(r"\d+", str(said.get("max-age", ""))):
        return float(said["max-age"])
    from email.utils import parsedate_to_datetime  # of the probe alone, and dear to import

    try:
        now = parsedate_to_datetime(date) if date else datetime.now(UTC)
        return (parsedate_to_datetime(str(said["expires"])) - now).total_seconds() // 3600 * 3600
    except (KeyError, ValueError, TypeError):
        return None


def fix(app: App, hit: Hit) -> Edit | None:
    """A literal time in place of a literal number of seconds."""
    for key in LONGEST:
        for write in written(app, key):
            if write.span == hit.span and write.value.span is not None and _number(write.value):
                return Edit(write.value.span, "86400", safe=False)
    return None


def _number(value: object) -> bool:
    return isinstance(getattr(value, "value", None), int) and not isinstance(getattr(value, "value", None), bool)


RULE = Rule(
    slug="session-lifetime-too-long",
    family="session",
    title="The session or remember-me cookie lives too long",
    harm=__doc__ or "",
    severity="low",
    check="authentication",
    cwe=(613,),
    owasp="API2:2023",
    asvs=("V7.3.2",),
    surfaces=(
        "source",
        "wsgi",
        "http",
    ),
    ends="Stopper's access tokens live 15 minutes and its sessions 12 hours, unless settings say otherwise.",
    detect=detect,
    probe=probe,
    fix=fix,
)
