"""The doctor's checks of what really goes out: headers, refusals, log lines. Each is looked at in an answer or a line made now."""

import logging
import re
import secrets
from typing import Final

from stopper.core.log_format import TextFormatter
from stopper.core.secret import Secret
from stopper.extension import decision_log, logs
from stopper.extension import settings as setting
from stopper.extension.doctor.words import Deployment, Outcome, in_dev, met, not_here, unmet, yours

YEAR: Final = 31_536_000
"""ASVS 5.0 V3.4.1: the least age of HSTS."""
_NO_CLOSED_DOOR: Final = "no closed door without arguments takes GET, so no refusal could be asked for"
_TRACES: Final = re.compile(r"Traceback|File \"|line \d+, in |werkzeug|sqlalchemy", re.IGNORECASE)


def hsts_sent(deployment: Deployment) -> Outcome:
    """Browsers are told to come over TLS alone."""
    if deployment.for_one_machine:
        return in_dev()
    said = deployment.stranger.get("strict-transport-security", "")
    age = re.search(r"max-age=(\d+)", said)
    if age is None or int(age[1]) < YEAR or "includesubdomains" not in said.lower():
        return unmet(
            f"Strict-Transport-Security is {said or 'not sent'}",
            "let no hook set another one: Stopper sends two years with includeSubDomains",
        )
    return met(f"Strict-Transport-Security: {said}")


def policy_of_content_sent(deployment: Deployment) -> Outcome:
    """Browsers are told what a page may load: by the policy of data, and by that of HTML pages."""
    for name, said in _policies(deployment):
        wrong = _wrong_with(name, said)
        if wrong is not None:
            return wrong
    return met("Content-Security-Policy names what may load, for data and for pages")


def _wrong_with(name: str, said: dict[str, str]) -> Outcome | None:
    loads = said.get("default-src", said.get("script-src", "*"))
    if "object-src" not in said and "default-src" not in said:
        return unmet("Content-Security-Policy says nothing of object-src", f"add default-src or object-src to {name}")
    scripts = said.get("script-src", loads)
    loose = [
        word
        for word in ("'unsafe-inline'", "'unsafe-eval'", "*", "https:", "http:", "data:")
        if word in scripts.split()
    ]
    if loose and "'nonce-" not in scripts and "'sha256-" not in scripts:
        return unmet(
            f"Content-Security-Policy lets scripts from {loose[0]} run ({name})",
            "name the sources, or give each script a nonce",
        )
    if "base-uri" not in said:
        return unmet("Content-Security-Policy says nothing of base-uri", f"add base-uri 'none' to {name}")
    return None


def frames_refused(deployment: Deployment) -> Outcome:
    """No page of others shows an answer in a frame."""
    for name, policy in _policies(deployment):
        said = policy.get("frame-ancestors")
        if said is None or "*" in said.split():
            return unmet(f"frame-ancestors is {said or 'not said'}", f"add frame-ancestors 'none' to {name}")
    return met("frame-ancestors is said for data and for pages")


def violations_reported(deployment: Deployment) -> Outcome:
    """Browsers say where a page broke the rules."""
    for name, said in _policies(deployment):
        if "report-to" not in said and "report-uri" not in said:
            return unmet(
                "Content-Security-Policy names nobody to report to",
                f"add report-uri /csp-reports to {name}, and a route that takes them",
            )
    return met("Content-Security-Policy names where violations are reported")


def _policies(deployment: Deployment) -> tuple[tuple[str, dict[str, str]], ...]:
    """The settings and their directives: what data gets, as it went out, and what HTML pages get."""
    data, pages = setting.CONTENT_SECURITY_POLICY.key, setting.PAGE_POLICY.key
    settings = deployment.guard.settings
    shared = settings.is_set(setting.CONTENT_SECURITY_POLICY) and not settings.is_set(setting.PAGE_POLICY)
    sent = deployment.stranger.get("content-security-policy", "")
    return (data, _directives(sent)), (data if shared else pages, _directives(setting.page_policy(settings)))


def _directives(said: str) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in said.split(";") if part.strip())
    return {name.lower(): value for name, _, value in parts}


def types_not_guessed(deployment: Deployment) -> Outcome:
    """Browsers go by the type that is said."""
    return _header(deployment, "x-content-type-options", ("nosniff",))


def referrer_kept(deployment: Deployment) -> Outcome:
    """Addresses are not told to others."""
    return _header(
        deployment,
        "referrer-policy",
        ("no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"),
    )


def opener_apart(deployment: Deployment) -> Outcome:
    """Windows of others have no hold on ours."""
    return _header(deployment, "cross-origin-opener-policy", ("same-origin", "same-origin-allow-popups"))


def _header(deployment: Deployment, name: str, good: tuple[str, ...]) -> Outcome:
    said = deployment.stranger.get(name, "")
    if said.lower() not in good:
        return unmet(f"{name} is {said or 'not sent'}", f"let no hook change it: Stopper sends {good[0]}")
    return met(f"{name}: {said}")


def versions_hidden(deployment: Deployment) -> Outcome:
    """No answer tells which software made it."""
    told = [
        name
        for name in ("server", "x-powered-by", "x-aspnet-version")
        if re.search(r"\d", deployment.stranger.get(name, ""))
    ]
    if told:
        return unmet(f"the header {told[0]} names a version", f"take {told[0]} out of the answers")
    return yours(
        "the application names no version", "see that the server in front sends none either (nginx: server_tokens off)"
    )


def trace_refused(deployment: Deployment) -> Outcome:
    """TRACE gives nothing back."""
    status = (
        deployment.app.test_client(use_cookies=False).open("/", method="TRACE", base_url="http://127.0.0.1").status_code
    )
    if status < 400:
        return unmet(f"TRACE / is answered with {status}", "take TRACE out of the methods of that route")
    return met(f"TRACE / is answered with {status}")


def no_redirect_to_https(deployment: Deployment) -> Outcome:
    """A call over plain http is no silent success by redirect."""
    found = deployment.refused
    if found is None:
        return not_here(_NO_CLOSED_DOOR)
    if 300 <= found[1] < 400:
        return unmet(f"GET {found[0]} over http is redirected", "refuse API paths over http, and redirect pages alone")
    return met(f"GET {found[0]} over http is answered with {found[1]} and not redirected")


def refusal_in_shape(deployment: Deployment) -> Outcome:
    """A closed door refuses a stranger, says what is asked for, and nothing else."""
    found = deployment.refused
    if found is None:
        return not_here(_NO_CLOSED_DOOR)
    path, status, headers, body = found
    if status not in (401, 403):
        return unmet(
            f"GET {path} without a credential is answered with {status}",
            "flask stopper routes --check says which route is not declared",
        )
    if status == 401 and "www-authenticate" not in headers:
        return unmet(f"the 401 of {path} names no scheme", "let no error handler take WWW-Authenticate away")
    if _TRACES.search(body):
        return unmet(
            f"the refusal of {path} shows how it came about", "let the error handler answer with a text of its own"
        )
    return met(f"GET {path} without a credential: {status}")


def refusal_not_kept(deployment: Deployment) -> Outcome:
    """No cache keeps what is for one caller."""
    found = deployment.refused
    if found is None:
        return not_here(_NO_CLOSED_DOOR)
    said = found[2].get("cache-control", "")
    if "no-store" not in said:
        return unmet(
            f"Cache-Control of {found[0]} is {said or 'not sent'}",
            "let nothing in front of the guard change Cache-Control",
        )
    return met(f"Cache-Control of {found[0]}: {said}")


def types_said(deployment: Deployment) -> Outcome:
    """Each answer with a body says its type."""
    said = deployment.stranger.get("content-type", "")
    if not said or (said.startswith("text/") and "charset" not in said):
        return unmet(f"Content-Type is {said or 'not sent'}", "let every answer name its type, and texts their charset")
    return met(f"Content-Type: {said}")


def logs_masked(deployment: Deployment) -> Outcome:
    """A secret that is logged does not show. One is made for the purpose, logged to nobody, and looked for."""
    canary = Secret(secrets.token_urlsafe(32))
    lines = _Lines()
    logger = logging.Logger("stopper.doctor")  # in nobody's tree: no handler of the application sees the line
    logger.addHandler(lines)
    logger.warning("a line with %s in it", canary.reveal())
    if not lines.found or canary.reveal() in lines.found[0]:
        return unmet(
            "a secret that was logged for a test showed", "let nothing replace logging.Logger.handle after Stopper(app)"
        )
    return met("a secret that was logged for a test was masked")


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record.getMessage())


def lines_in_utc(deployment: Deployment) -> Outcome:
    """Log lines name their moment in UTC, and nothing that is logged ends a line."""
    record = logging.LogRecord("stopper.doctor", logging.INFO, "", 0, "one\r\ntwo\u2028three", None, None)
    record.created = 0.0
    line = TextFormatter().format(record)
    if not line.startswith("1970-01-01T00:00:00.000Z") or len(line.splitlines()) != 1:
        return unmet("a line that was made for a test is not one line in UTC", "install this version of Stopper again")
    if not deployment.guard.settings.get(logs.TO):
        return yours(
            "STOPPER_LOG_TO is not set: the application's own handlers write the lines",
            "set STOPPER_LOG_TO, or write UTC and one event a line yourself",
        )
    return met(
        f"STOPPER_LOG_TO={deployment.guard.settings.get(logs.TO).partition(':')[0]}: a line made for a test is one line in UTC"
    )


def decisions_logged(deployment: Deployment) -> Outcome:
    """Who passed and who did not is written down."""
    if decision_log.log.isEnabledFor(logging.INFO):
        return met("the logger stopper.audit writes INFO")
    if deployment.for_one_machine:
        return in_dev()
    return unmet(
        "the logger stopper.audit is silent below WARNING",
        "set STOPPER_LOG_TO, or logging.getLogger('stopper.audit').setLevel('INFO') with a handler",
    )


def logs_leave(deployment: Deployment) -> Outcome:
    """Logs are kept where somebody who breaks in here cannot change them."""
    said = deployment.guard.settings.get(logs.TO)
    if said.startswith("syslog:"):
        return yours(
            "logs go to another host by syslog over UDP",
            "let that way be encrypted: a local forwarder with TLS, or a private network",
        )
    return yours(
        f"logs go to {said.partition(':')[0] if said else 'wherever the application sends them'}",
        "ship them to another machine over TLS",
    )
