"""Mints identities with the application's own signing key, where a scan in the same process knows it."""

import secrets
import time
from collections.abc import Sequence

from stopper.core.app import App
from stopper.core.probe import Identity, Skipped
from stopper.core.secret import Secret
from stopper.scan.people.credential import guarded_reads, lets_in
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.tokens.forge import sign_hmac
from stopper.scan.wire.courier import Courier

TRIED_ROUTES = 4


def minted(app: App, courier: Courier, honest: HonestRequests, taken: Sequence[str]) -> tuple[Identity, ...]:
    """People whose tokens the scan signed itself: those of alice, bob and admin that nobody else gave.

    A key counts only when a token made with it passes where nobody passes; otherwise nobody is minted.
    """
    proof = _proven_key(app, courier, honest) if app.keys else None
    if proof is None:
        return ()
    wanted = [name for name in ("alice", "bob", "admin") if name not in taken]
    if len(taken) >= 2:
        wanted = [name for name in wanted if name == "admin"]
    return tuple(_person(app, name, number, proof) for number, name in enumerate(wanted, 1))


def _proven_key(app: App, courier: Courier, honest: HonestRequests) -> Secret | None:
    """The key whose tokens are let in where an anonymous caller and a token of a random key are refused."""
    for route in list(guarded_reads(app))[:TRIED_ROUTES]:
        request = honest(route, "GET")
        try:
            if not courier.carry(request).response.refused:
                continue
            for key in dict.fromkeys(app.keys.values()):
                person = _person(app, "alice", 1, key)
                stranger = _person(app, "alice", 1, Secret(secrets.token_urlsafe(32)))
                if lets_in(courier.carry(person.on(request)).response) and not lets_in(
                    courier.carry(stranger.on(request)).response
                ):
                    return key
        except Skipped:
            return None
    return None


def _person(app: App, name: str, number: int, key: Secret) -> Identity:
    """A person with a token that holds every claim an ordinary verifier reads; claims that nobody reads do no harm."""
    now = int(time.time())
    role = "admin" if name == "admin" else "user"
    claims: dict[str, object] = {
        "sub": str(number), "user_id": number, "id": number, "uid": number, "username": name, "user": name,
        "email": f"{name}@example.com", "role": role, "roles": [role], "is_admin": role == "admin", "admin": role == "admin",
        "iat": now, "nbf": now, "exp": now + 3600, "jti": secrets.token_hex(16), "type": "access", "fresh": False,
    }  # fmt: skip
    for claim, keys in (
        ("aud", ("JWT_DECODE_AUDIENCE", "JWT_AUDIENCE", "AUDIENCE")),
        ("iss", ("JWT_DECODE_ISSUER", "JWT_ISSUER", "ISSUER")),
    ):
        for setting in keys:
            fact = app.config.get(setting)
            if fact is not None and isinstance(fact.value, str) and fact.value:
                claims[claim] = fact.value
    fact = app.config.get("JWT_ALGORITHM")
    algorithm = fact.value if fact is not None and fact.value in ("HS256", "HS384", "HS512") else "HS256"
    token = sign_hmac({"alg": algorithm, "typ": "JWT"}, claims, key.reveal_bytes())
    return Identity(
        name, (("Authorization", Secret(f"Bearer {token}")),), Secret(token), f"{name}@example.com", minted=True
    )
