"""Applications and credentials for the tests of the guard."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask
from tests.auth.test_api_key import PEPPER, MemoryKeys
from tests.auth.token_smith import AUDIENCE, ISSUER, NOW, SECRET, claims, header, hs256

from stopper import Issuer, Secret, Stopper
from stopper.auth.api_key import ApiKeys
from stopper.auth.clock import SetClock
from stopper.auth.verification_key import VerificationKey


def issuer() -> Issuer:
    return Issuer(ISSUER, ["HS256"], keys=VerificationKey.from_secret("k", "HS256", Secret(SECRET)), audience=AUDIENCE)


class Made:
    """One guarded application with what a test needs around it."""

    def __init__(self, config: Mapping[str, Any] | None = None, **options: Any) -> None:
        self.clock = SetClock(NOW)
        self.store = MemoryKeys()
        self.keys = ApiKeys(self.store, PEPPER, clock=self.clock)
        self.app = Flask("made")
        self.app.config.update(config or {})
        self.stopper = Stopper(
            self.app, **{"issuers": [issuer()], "api_keys": self.keys, "clock": self.clock, **options}
        )
        self.ran: list[str] = []

    def route(self, path: str, rule: Callable[..., Any], name: str = "", **options: Any) -> None:
        """A view that notes that it ran."""
        endpoint = name or f"view{len(self.app.view_functions)}"

        def view(**arguments: Any) -> str:
            self.ran.append(endpoint)
            return endpoint

        self.app.add_url_rule(path, endpoint, rule(view), **options)

    def get(self, path: str, *shown: tuple[str, str], method: str = "GET", **options: Any) -> Any:
        return self.app.test_client().open(path, method=method, headers=list(shown), **options)


def bearer_header(token: str | None = None, **other: Any) -> tuple[str, str]:
    return "Authorization", f"Bearer {hs256(payload=claims(**other)) if token is None else token}"


def forged() -> str:
    return hs256(key=secrets.token_bytes(32))


def unknown_key() -> str:
    return hs256(header(kid="other"))


def without_request_id(answer: Any) -> tuple[int, list[tuple[str, str]], bytes]:
    """Every byte of an answer but its request id."""
    return answer.status_code, [pair for pair in answer.headers if pair[0] != "X-Request-Id"], answer.data
