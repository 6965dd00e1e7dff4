"""A user's authority for another service: a token exchanged for that service (RFC 8693), or, by an explicit word, the user's own."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from stopper.auth.forking import in_each_child
from stopper.core.errors import SettingError
from stopper.core.secret import Secret
from stopper.outbound.client import Client
from stopper.outbound.credential import Credential, origins
from stopper.outbound.errors import CallRefusedError, ReplyRefusedError

GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"
JWT: Final = "urn:ietf:params:oauth:token-type:jwt"
_MARGIN: Final = 30.0
_LONGEST_KEPT: Final = 300.0
_MOST_KEPT: Final = 1024


class TokenExchange:
    """Exchanges the user's token for one that is good at one service alone.

    *client* must carry our own credential for *token_url* with POST. *audience* and *scopes* say what the new token is for.
    *hosts*, *paths*, *methods* say where it may go, as in Credential. A new token is kept until shortly before it ends, five minutes at most.
    """

    def __init__(
        self,
        client: Client,
        token_url: str,
        *,
        audience: str,
        hosts: Sequence[str],
        scopes: Sequence[str] = (),
        paths: Sequence[str] = ("/*",),
        methods: Sequence[str] = ("GET", "HEAD"),
    ) -> None:
        if not audience:
            raise SettingError("a token exchange needs the audience of the new token: the service that it is for")
        self._client = client
        self._url = token_url
        self._form = {"grant_type": GRANT, "subject_token_type": ACCESS_TOKEN, "requested_token_type": ACCESS_TOKEN}
        self._form["audience"] = audience
        if scopes:
            self._form["scope"] = " ".join(scopes)
        self._binding = (tuple(hosts), tuple(paths), tuple(methods))
        self._bound = Credential(Secret("none"), *self._binding)
        self._renew()
        in_each_child(self._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[bytes, tuple[Secret, float]] = {}

    @property
    def origins(self) -> Collection[str]:
        """Where the new token may go."""
        return self._bound.origins

    def credential_for(self, token: Secret) -> Credential:
        """The new token for the user of *token*. Raises OutboundError."""
        key = hashlib.sha256(token.reveal_bytes()).digest()
        with self._lock:
            kept = self._kept.get(key)
        if kept is None or time.monotonic() >= kept[1]:
            kept = self._exchanged(token)
            self._keep(key, kept)
        return Credential(kept[0], *self._binding)

    def _keep(self, key: bytes, made: tuple[Secret, float]) -> None:
        with self._lock:
            while len(self._kept) >= _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = made

    def _exchanged(self, token: Secret) -> tuple[Secret, float]:
        began = time.monotonic()
        reply = self._client.post(self._url, form={**self._form, "subject_token": token.reveal()}).checked()
        answer = reply.json()
        said = cast("dict[str, object]", answer) if isinstance(answer, dict) else {}
        new, kind = said.get("access_token"), said.get("token_type")
        if not isinstance(new, str) or not new or not isinstance(kind, str) or kind.lower() != "bearer":
            raise ReplyRefusedError("token", "the answer to the token exchange holds no bearer token").at(
                "POST", reply.host
            )
        if said.get("issued_token_type") not in (ACCESS_TOKEN, JWT):
            raise ReplyRefusedError("token", "the token exchange gave a token of another type").at("POST", reply.host)
        life = said.get("expires_in")
        seconds = float(life) if isinstance(life, (int, float)) and not isinstance(life, bool) else 0.0
        return Secret(new), began + min(max(0.0, seconds - _MARGIN), _LONGEST_KEPT)


@dataclass(frozen=True, slots=True)
class PassOn:
    """Passes the user's own token on, to services of one audience that are trusted as much as this one.

    Whoever runs such a service can act as the user at every other service that takes the token; prefer :class:`TokenExchange`.
    *audience*: must stand in the token's ``aud``, so that a token for this API alone is never passed on.
    """

    audience: str
    hosts: Sequence[str]
    paths: Sequence[str] = ("/*",)
    methods: Sequence[str] = ("GET", "HEAD")
    _origins: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.audience:
            raise SettingError("PassOn needs the audience that the user's token must name")
        object.__setattr__(self, "_origins", origins(self.hosts))

    @property
    def origins(self) -> Collection[str]:
        """Where the token may go."""
        return self._origins

    def credential_for(self, token: Secret) -> Credential:
        """The user's token itself. It was verified when the request came in; here only its audience is looked at."""
        if self.audience not in _audiences(token):
            raise CallRefusedError("on-behalf", "the user's token is not for the audience of that service")
        return Credential(token, self.hosts, self.paths, self.methods)


def _audiences(token: Secret) -> Collection[str]:
    parts = token.reveal().split(".")
    if len(parts) != 3:
        return ()
    try:
        claims: object = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return ()
    said = cast("dict[str, object]", claims).get("aud") if isinstance(claims, dict) else None
    if isinstance(said, str):
        return (said,)
    return [name for name in cast("list[object]", said) if isinstance(name, str)] if isinstance(said, list) else ()
