"""Credentials that nobody has registered: what they look like gives them away."""

import base64
import json
import logging
import secrets
from collections.abc import Callable

from tests.leaks.place import Group, Place

from stopper.core.report_hooks import before_send

group = Group()
log = logging.getLogger("shop")
HEX = "0123456789abcdef"


def letters(count: int) -> str:
    return "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789") for _ in range(count))


def segment(value: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def jwt() -> str:
    return f"{segment({'alg': 'HS256'})}.{segment({'sub': letters(8)})}.{letters(43)}"


def said(title: str, make: Callable[[], str], around: str) -> None:
    """The canary is forgotten by everybody when the line is written, so that only its look can tell."""

    def run(place: Place) -> None:
        logging.basicConfig()
        log.warning("%s", around.format(place.canary))

    def unregistered(place: Place) -> None:
        object.__setattr__(place, "kept", None)
        run(place)

    group.path(title, make)(unregistered)


said("a JWT", jwt, "verified {} in 3 ms")
said("a JWT in a URL", jwt, "GET /callback?x={}&y=1")
said("a key of ours", lambda: f"stp_live_{letters(12)}_{letters(49)}", "key {} was used")
said("a GitHub token", lambda: f"ghp_{letters(36)}", "git clone with {}")
said("an AWS key id", lambda: "AKIA" + letters(16).upper(), "signed by {}")
said("a Stripe key", lambda: f"sk_live_{letters(24)}", "charge with {}")
said("a Slack token", lambda: f"xoxb-{letters(12)}-{letters(12)}", "posting as {}")
said("a Google key", lambda: f"AIza{letters(35)}", "https://maps.example/?k={}")
said("an OpenAI key", lambda: f"sk-proj-{letters(40)}1", "{} was refused")
said("a Bearer header", lambda: letters(20) + "7", "{{'Authorization': 'Bearer {}', 'Host': 'x'}}")
said("a Basic header", lambda: base64.b64encode(letters(20).encode()).decode(), "Authorization: Basic {}")
said("a header of another scheme", lambda: letters(30), "Authorization: Token {}")
said("an API key header", lambda: letters(30), "[('X-API-Key', '{}'), ('Host', 'x')]")
said("a cookie header", lambda: letters(30), "Cookie: theme=dark; session={}; lang=en")
said("a cookie that is set", lambda: letters(30), "Set-Cookie: session={}; Path=/; HttpOnly")
said("the password of a database URL", lambda: letters(20), "connecting to postgresql://app:{}@db:5432/app")
said("a token in the query of a URL", lambda: letters(20), "GET /notes?page=2&access_token={} HTTP/1.1")
said("a password in JSON", lambda: letters(20), '{{"user": "ann", "password": "{}"}}')
said("a password in JSON in JSON", lambda: letters(20), '{{"body": "{{\\"password\\": \\"{}\\"}}"}}')
said("a password in a form, quoted", lambda: letters(20), "body=%7B%22password%22%3A%22{}%22%7D")
said("a password in HTML", lambda: letters(20), "&quot;password&quot;: &quot;{}&quot;")
said("the environment of a process", lambda: letters(20), "environ({{'HOME': '/', 'DB_PASSWORD': '{}'}})")
said("an option of a command", lambda: letters(20), "run: deploy --api-key {} --port 80")
said("a private key", lambda: letters(64), "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----")
said("half a private key", lambda: letters(64), "-----BEGIN OPENSSH PRIVATE KEY-----\n{}")


@group.path("a password under its name in extra fields", lambda: letters(20))
def _(place: Place) -> None:
    object.__setattr__(place, "kept", None)
    logging.basicConfig(format="%(message)s %(user_password)s")
    log.warning("made", extra={"user_password": place.canary})


@group.path("a header as a pair in a report", lambda: letters(20))
def _(place: Place) -> None:
    object.__setattr__(place, "kept", None)
    event = {"request": {"headers": [["X-Api-Key", place.canary]]}}
    (place.folder / "event").write_text(json.dumps(place.through(before_send)(event)))
