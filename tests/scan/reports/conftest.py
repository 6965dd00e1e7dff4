"""Reports made by hand: one of everything, full of secrets that must not come out, and hostile texts."""

from dataclasses import replace

import pytest

from stopper.core.exchange import Exchange, Request, Response
from stopper.core.finding import Evidence, Finding
from stopper.core.place import Place, RouteRef, Span
from stopper.core.rule import Edit, Rule
from stopper.core.secret import Secret
from stopper.scan.report import Coverage, ReadError, Report, RuleOutcome, Skip
from stopper.scan.score import scored

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLWNhbmFyeQ"
CANARIES = {
    "bearer token": TOKEN,
    "opaque bearer": "opaqueBearerCanary0123",
    "api key": "plainApiKeyCanary77",
    "cookie": "cookieCanaryValue99",
    "password": "hunter2PasswordCanary",
    "refresh token": "refreshCanary-4711",
    "query token": "queryTokenCanary31",
    "live secret": "liveSecretCanaryUnderAnyName",
    "form password": "formPasswordCanary",
    "hard-coded secret": "hardcodedSigningCanary",
    "cut password": "cutPasswordCanary",
    "database password": "databaseCanaryPw",
    "reset link": "resetLinkCanaryA1b2C3d4E5f6",
    "otp": "918273645546",
}


@pytest.fixture(scope="session")
def canaries() -> dict[str, str]:
    return CANARIES


def rule(slug: str, **changes: object) -> Rule:
    made = Rule(
        slug=slug,
        family="jwt",
        title="The secret that signs tokens stands in the source",
        harm="Whoever reads the repository can sign in as anybody.",
        severity="critical",
        check="authentication",
        cwe=(798,),
        owasp="API2:2023",
        asvs=("V13.3.1",),
        surfaces=("source", "wsgi", "http"),
        ends="Stopper(app) takes keys from STOPPER_KEYS and refuses short ones.",
    )
    return replace(made, **changes)


def _exchange(path: str, headers: tuple[tuple[str, str], ...], status: int, body: bytes) -> Exchange:
    request = Request("GET", path, headers, identity="alice")
    answer = Response(
        status,
        (
            ("Content-Type", "application/json"),
            ("Set-Cookie", f"session={CANARIES['cookie']}; Path=/; HttpOnly"),
            ("Location", f"/reset/{CANARIES['reset link']}?token={CANARIES['query token']}"),
        ),
        body,
        0.004,
    )
    return Exchange(request, answer)


@pytest.fixture
def make_rule() -> object:
    return rule


@pytest.fixture
def sample() -> Report:
    """Five findings of every shape, with every canary somewhere."""
    held = Secret(CANARIES["live secret"])
    baseline = _exchange(
        f"/notes/7?access_token={CANARIES['query token']}&page=2",
        (
            ("Authorization", f"Bearer {TOKEN}"),
            ("X-API-Key", CANARIES["api key"]),
            ("Cookie", f"session={CANARIES['cookie']}; theme=dark"),
            ("X-Odd", held.reveal()),
        ),
        200,
        f'{{"id": 7, "email": "alice@example.com", "password": "{CANARIES["password"]}", "otp": {CANARIES["otp"]}, '
        f'"nested": {{"refresh_token": "{CANARIES["refresh token"]}"}}}}'.encode(),
    )
    varied = _exchange(
        "/notes/7",
        (("Authorization", f"bearer {CANARIES['opaque bearer']}"),),
        200,
        f'{{"note": "hi", "password": "{CANARIES["cut password"]}'.encode(),
    )
    form = replace(
        varied.request.with_headers(("Content-Type", "application/x-www-form-urlencoded")),
        method="POST",
        body=f"user=alice&password={CANARIES['form password']}".encode(),
    )
    varied = replace(varied, request=form)
    secret = Finding(
        rule("jwt-secret-hardcoded"),
        f"SECRET_KEY = '{CANARIES['hard-coded secret']}' signs tokens; token {TOKEN} was accepted.",
        (
            Place(Span("app.py", 14, 14, 1, 40), RouteRef("GET", "/notes/{note_id}")),
            Place(Span("app.py", 40, 44, 1, 10), RouteRef("POST", "/notes")),
        ),
        "confirmed",
        (
            Evidence("source", f'app.config["SECRET_KEY"] = "{CANARIES["hard-coded secret"]}"'),
            Evidence("exchange", "Alice reads her own note", baseline),
            Evidence("exchange", f"The same with a token signed with {CANARIES['live secret']}", varied),
            Evidence("running", f"SQLALCHEMY_DATABASE_URI is postgresql://app:{CANARIES['database password']}@db/app"),
        ),
        edit=Edit(Span("app.py", 14, 14, 1, 40), 'app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]', True, ("os",)),
    )
    bola = Finding(
        rule(
            "cross-user-object-access",
            title="A user reads another user's objects",
            check="object-authorization",
            cwe=(639,),
            owasp="API1:2023",
            severity="high",
        ),
        "Bob reads Alice's note <b>with</b> his own token.",
        (Place(route=RouteRef("GET", "/notes/{note_id}")),),
        "proven",
        (Evidence("exchange", "Alice's note as Alice", baseline), Evidence("exchange", "The same as Bob", varied)),
    )
    hostile = Finding(
        rule(
            "security-headers-missing",
            title="Headers are missing",
            check="transport",
            severity="medium",
            owasp="API8:2023",
            cwe=(693,),
        ),
        '</script><script>alert(1)</script> \x1b[31mred\x1b[0m \u202eevil ::error::x ]]> & "q" \'',
        (Place(Span("a b/<img src=x onerror=alert(2)>.py", 3, 3), RouteRef("GET", '/x"><svg onload=alert(3)>')),),
        "corroborated",
        (
            Evidence(
                "exchange", "line one\n::error::line two", _exchange("/<script>?a=%0a", (), 0, b"\x00\xff\xfe" * 40)
            ),
        ),
    )
    low = Finding(
        rule("token-in-access-log", severity="low", check="data-exposure"),
        "A log line has a token.",
        (),
        "indicated",
        certainty="possible",
    )
    outcomes = tuple(
        RuleOutcome(slug, outcome, "", check)
        for slug, outcome, check in (
            ("jwt-secret-hardcoded", "fail", "authentication"),
            ("cross-user-object-access", "fail", "object-authorization"),
            ("security-headers-missing", "fail", "transport"),
            ("token-in-access-log", "fail", "data-exposure"),
            ("server-side-request-forgery", "pass", "ssrf"),
            ("login-without-throttle", "open", "rate-limiting"),
        )
    )
    report = Report(
        command="audit",
        target="shop.wsgi:app",
        mode="default",
        started="2026-11-25T07:00:00Z",
        seconds=1.25,
        findings=(low, hostile, secret, bola),
        coverage=Coverage(27, 28),
        outcomes=outcomes,
        skipped=(
            Skip("jwt-kid-injection", f"no token at hand, password={CANARIES['password']}"),
            Skip("GET /static/{path}", "not an API route"),
        ),
        errors=(
            ReadError(
                "broken.py", f"line 3 does not parse: token = '{CANARIES['refresh token']}'; mend it and run again", 3
            ),
        ),
        requests=212,
    )
    HELD.append(held)
    return scored(report)


HELD: list[Secret] = []
"""Keeps live secrets alive for as long as the tests run."""
