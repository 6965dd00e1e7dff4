"""A credential bound to the hosts, paths and methods it is for. Elsewhere it does not exist."""

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from stopper.core.errors import SettingError, StopperError
from stopper.core.secret import Secret
from stopper.outbound import headers
from stopper.outbound.errors import CallRefusedError
from stopper.outbound.target import Target, origin_of

_METHOD: Final = re.compile(r"[A-Z]{1,32}\Z")
_STEP: Final = r"(?:(?!%2[Ff]|%5[Cc])[^/])+"
_FIT: Final = re.compile(r"[!-~](?:[ !-~]{0,8190}[!-~])?\Z")


@dataclass(frozen=True, slots=True)
class Credential:
    """What one service takes from us.

    ``secret``: the value, or a function that gives the one in force (so that a rotation needs no restart).
    ``hosts``: ``api.example.com`` or ``api.example.com:8443``; exactly these, no wildcards. ``paths``: exact ones, ``*`` for one
    step, ``/*`` at the end for everything below. ``methods``: reading ones unless you name more.
    ``header`` and ``scheme``: ``Authorization: Bearer …`` unless said otherwise; an empty scheme sends the bare value.

    Raises SettingError for a binding that binds nothing.
    """

    secret: Secret | Callable[[], Secret] = field(repr=False)
    hosts: Sequence[str]
    paths: Sequence[str] = ("/*",)
    methods: Sequence[str] = ("GET", "HEAD")
    header: str = "Authorization"
    scheme: str = "Bearer"
    _origins: frozenset[str] = field(init=False, repr=False)
    _pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.secret, str) or not (isinstance(self.secret, Secret) or callable(self.secret)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise SettingError(
                "the secret of a Credential is a Secret, or a function that gives one", rule="credential-logged"
            )
        if self.header.lower() in headers.OURS or not re.fullmatch(r"[A-Za-z0-9-]{1,64}", self.header):
            raise SettingError("the header of a Credential is a name such as Authorization or X-API-Key")
        if not re.fullmatch(r"[A-Za-z0-9-]{0,32}", self.scheme):
            raise SettingError("the scheme of a Credential is a word such as Bearer, or empty")
        object.__setattr__(self, "_origins", origins(self.hosts))
        object.__setattr__(self, "_pattern", _compiled(self.paths))
        if isinstance(self.methods, str) or not self.methods or not all(map(_METHOD.match, self.methods)):
            raise SettingError('the methods of a Credential are a list such as ["GET", "POST"]')

    @classmethod
    def basic(cls, user: str, password: Secret, hosts: Sequence[str], **binding: Sequence[str]) -> "Credential":
        """User name and password as ``Authorization: Basic …`` (RFC 7617)."""
        if ":" in user:
            raise SettingError("a user name for Basic authentication holds no colon")
        pair = f"{user}:".encode() + password.reveal_bytes()
        return cls(Secret(base64.b64encode(pair)), hosts, scheme="Basic", **binding)  # type: ignore[arg-type]

    @property
    def origins(self) -> frozenset[str]:
        """The hosts with their ports."""
        return self._origins

    def fits(self, method: str, target: Target) -> bool:
        """Whether a call of *method* to *target* carries this credential."""
        return (
            target.origin in self._origins and method in self.methods and self._pattern.match(target.path) is not None
        )

    def value(self) -> str:
        """What the header says. Raises CallRefusedError when the secret cannot stand in a header, or what its function raises of Stopper's."""
        secret = self.secret if isinstance(self.secret, Secret) else _asked(self.secret)
        shown = secret.reveal()
        if _FIT.match(shown) is None:
            raise CallRefusedError("secret", "its credential is empty or holds characters that no header can carry")
        return f"{self.scheme} {shown}" if self.scheme else shown


def _asked(source: Callable[[], Secret]) -> Secret:
    found: object = None
    try:
        found = source()
    except StopperError:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, it may hold the secret
        found = None
    if not isinstance(found, Secret):
        raise CallRefusedError("secret", "the function of its credential gave no Secret")
    return found


def origins(hosts: Sequence[str]) -> frozenset[str]:
    """Host names with their ports. Raises SettingError for none at all, a wildcard or what is no host."""
    if isinstance(hosts, str) or not hosts:
        raise SettingError(
            'hosts is a list of exact names such as ["api.example.com"]', rule="credential-follows-redirect"
        )
    try:
        return frozenset(map(origin_of, hosts))
    except CallRefusedError:
        wrong = (
            "hosts are exact names such as api.example.com, with a port where it is not 443; no URL, path or wildcard"
        )
    raise SettingError(wrong)


def _compiled(paths: Sequence[str]) -> re.Pattern[str]:
    if isinstance(paths, str) or not paths or not all(path.startswith("/") for path in paths):
        raise SettingError('the paths of a Credential are a list such as ["/v1/charges", "/v1/refunds/*"]')
    return re.compile("|".join(f"(?:{_one(path)})" for path in paths))


def _one(path: str) -> str:
    below = path.endswith("/*")
    steps = (path[:-2] if below else path).split("/")
    exact = "/".join(_STEP if step == "*" else re.escape(step) for step in steps)
    return exact + (r"/.*\Z" if below else r"\Z")
