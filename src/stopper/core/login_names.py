"""What log-in routes are called, and the names under which their answers hand out credentials: one table for scan and probes."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, cast

from stopper.core.exchange import Response

_TAKES: Final = "delete|remove|drop|disable|revoke|unlink|destroy|erase|purge|kill"
_ALTERS: Final = "update|change|edit|reset"
_NO_DOOR: Final = (
    rf"(?!(?:[\s\S]*/)?(?:(?:[^/]{{0,60}}[_-])?(?:{_TAKES}|{_ALTERS}|create|make|add|set)|link|(?:{_TAKES}|{_ALTERS})/)"
    r"(?:[-_]|(?-i:(?=[A-Z]))|(?=log|sign))[^/]{0,60}(?:log|sign)[-_]?in[^/]{0,30}/?$)"
    rf"(?!(?:[\s\S]*/)?(?:[^/]{{0,60}}[_-])?(?:{_TAKES}|{_ALTERS})[-_](?:[a-z]{{1,30}}[-_])?(?:tokens?|sessions?|jwt|auth)/?$)"
)
"""What is done to a log-in, and lets nobody in: ``/delete-login``, ``updateLogin``, ``/revoke-token``."""
_WHO: Final = (
    "users?|customers?|members?|employees?|admins?|owners?|clients?|students?|teachers?|lecturers?|tutors?|doctors?|patients?|nurses?|staff|drivers?|riders?|sellers?|buyers?|"
    "vendors?|merchants?|suppliers?|guests?|hosts?|agents?|managers?|company|companies|employers?|applicants?|candidates?|recruiters?|parents?|librarians?|authors?|volunteers?|donors?"
)
"""Who comes in where each kind of people has a log-in of its own: ``/ownerlogin``, ``/login/student``."""
LOGIN: Final = re.compile(
    rf"(?i)\A{_NO_DOOR}[\s\S]*?"
    rf"(^|[/_-]|(?-i:(?<=[a-z])(?=(Log|Sign)[-_]?[Ii]n)))(((do|process|perform|{_WHO})[-_]?)?(log[-_]?in|sign[-_]?in)([-_/]?({_WHO}))?|"
    r"authenticate|auth|connect|tokens?|sessions?|jwt|"
    r"(obtain|get|generate|issue|create)[-_]?(token|jwt)|(open|start|new|create)[-_]?session)"
    r"([-_]?(users?|customers?|members?|employees?|admins?|api))?(/(json|password|create|new|obtain))?/?$"
)
"""Paths that let somebody in."""
BEST: Final = re.compile(rf"(?i)\A{_NO_DOOR}[\s\S]*?" rf"(log[-_]?in|sign[-_]?in)([-_/]?({_WHO}|api))?/?$")
"""The plainest of them."""
LOGOUT: Final = re.compile(r"(?i)(^|[/_-])(log[-_]?out|sign[-_]?out|log[-_]?off)([/_-]|$)")
"""Paths that end a log-in."""
PASSWORD: Final = re.compile(
    r"(?i)passw|pwd|passphrase|(^|_)(pass\d?|pw|psw\d?|passcode|pin)$|contrasena|^(clave|senha|kennwort|sifre|parola|mot_?de_?passe)\d?$"
)
"""Members that hold a password, as English, Spanish, Portuguese, German, Turkish, Italian and French projects call it."""
SUBJECT: Final = re.compile(
    r"(?i)mail|user|login|name|account|^(identifier|handle|usuario|correo|utente|utilisateur|identifiant|benutzer|kullanici(_?adi)?|nom)$"
)
"""Members that say who somebody is, in the same languages."""
TOKEN_NAMES: Final = (
    "access_token",
    "accesstoken",
    "token",
    "jwt",
    "auth_token",
    "authtoken",
    "bearer",
    "id_token",
    "idtoken",
    "session_token",
    "sessiontoken",
)
_A_TOKEN: Final = re.compile(
    r"(?!.*(?:refresh|csrf|xsrf|reset|verif|confirm|activat|push|device|invit|page|next))\w{2,20}_?token"
)
"""A token by a name of the application's own."""
_TOKEN_WORDS: Final = ("access", "auth", "credential", "session", "session_id", "sessionid", "result")
REFRESH_NAMES: Final = ("refresh_token", "refreshtoken", "refresh")
KEY_NAMES: Final = ("api_key", "apikey", "key")
TOKEN_HEADERS: Final = ("X-Auth-Token", "X-Access-Token", "X-Token")
DEEDS: Final = re.compile(r"(?i)(user_?)?(log[-_]?in|sign[-_]?in|authenticate|authorize|authentication)(_?user)?")
"""Fields of GraphQL that let somebody in: what they hand out stands under their own name, ``{"data": {"login": "9f…"}}``."""
OPAQUE: Final = re.compile(
    r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])(?!\d{4}-\d\d-\d\d)(?!/|https?:)[A-Za-z0-9._~+/=:-]{16,1024}|[A-Za-z0-9_~+=-]{32,1024}"
)
"""A text that looks as if it was made at random; neither a date nor an address."""
DEPTH: Final = 4
"""How deep an answer is searched."""
SHORTEST: Final = 4
"""Characters of a token: one that is no more than a name in base64 is that short (``Ym9i``)."""
_NOTHING: Final = frozenset({"null", "none", "true", "false", "undefined"})
"""Texts by which a program says that there is none."""
_SCHEME: Final = re.compile(r"(?i)^(bearer|token|jwt)\s+")
_BYTES: Final = re.compile(r"""b(['"])([\w.~+/=-]+)\1""")
"""How Python shows bytes: what ``str(jwt.encode(…))`` made of a token where that gives bytes. Clients take that off."""


def pairs(value: object, depth: int = DEPTH) -> Iterator[tuple[str, str]]:
    """Every name with its text in a JSON value, through objects and the first twenty things of a list, at most *depth* deep."""
    if depth == 0:
        return
    if isinstance(value, list):
        for item in cast("list[object]", value)[:20]:
            yield from pairs(item, depth - 1)
    elif isinstance(value, dict):
        for name, item in cast("dict[str, object]", value).items():
            if isinstance(item, str):
                yield name, item
            else:
                yield from pairs(item, depth - 1)
                if isinstance(item, dict) and isinstance(inner := cast("dict[str, object]", item).get("id"), str):
                    yield name, inner  # a token as an object, as OpenStack gives it: {"token": {"id": …, "expires": …}}


def token_named(value: object) -> str | None:
    """The token in a JSON value by its name; under a word that is as often something else, what looks as if it was made at random."""
    if (found := named(value, TOKEN_NAMES, SHORTEST)) is not None:
        return found
    known = [(name.lower(), without_scheme(text)) for name, text in pairs(value)]
    own = next((text for name, text in known if _A_TOKEN.fullmatch(name) and OPAQUE.fullmatch(text)), None)
    if own is not None:
        return own
    return next(
        (text for word in _TOKEN_WORDS for name, text in known if name == word and OPAQUE.fullmatch(text)), None
    )


def named(value: object, names: Sequence[str], least: int = 6) -> str | None:
    """The text that a JSON value holds under the first of *names* that it knows, without a scheme before it; so many characters at *least*."""
    known = [(name.lower().replace("-", "_"), text) for name, text in pairs(value)]
    for wanted in names:
        for name, text in known:
            if name == wanted and len(bare := without_scheme(text)) >= least and bare.lower() not in _NOTHING:
                return bare
    return None


def in_headers(response: Response) -> str | None:
    """The token that an answer hands out in a header."""
    for name in ("Authorization", *TOKEN_HEADERS):
        if said := response.header(name):
            return without_scheme(said) or None
    return None


def without_scheme(text: str) -> str:
    """A credential without the scheme before it, and without the signs of Python's bytes round it; schemes are read in any letter
    case (RFC 9110 §11.1)."""
    bare = _SCHEME.sub("", text.strip()).strip()
    shown = _BYTES.fullmatch(bare)
    return shown.group(2) if shown else bare
