"""Members of JSON answers that no client should see, found by name and value."""

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Final, cast
from urllib.parse import parse_qsl

from stopper.core.exchange import Exchange, Response

SECRET: Final = re.compile(
    r"(?i)^_?(?:hashed_?)?(?:password|passwd|pwd|pass)(?:_?(?:hash|hashed|digest|salt))?$|^(?:pw|pass)_?hash$|^(?:password_?)?salt$"
    r"|^(?:totp|otp|mfa|two_?factor|2fa)_?(?:secret|key|seed)$|^(?:reset|password_reset|verification|confirmation|remember|recovery)_?(?:token|code|codes)$"
    r"|^(?:db|database|smtp|mail|mqtt|wifi|wlan|ftp|ssh|root|admin|redis|mysql|postgres)_?(?:password|passwd|pwd|pass)$"
    r"|^(?:api|private|encryption|signing|(?:app|flask|jwt)?_?secret)_?key(?:_?hash)?$|^(?:client|api|app|jwt)_?secret$|^(?:aws)?_?secret_?access_?key$|^internal_\w+$|^ssn$|^security_answer$"
    r"|^(?:card_?)?(?:cvv2?|cvc2?|csc)$|^(?:hashed_?)?passphrase(?:_?hash)?$|^(?:user_?|login_?)?pw$|^(?:atm|card|account|bank|security|login|user)_?pin(?:_?code)?$"
)
_PIN: Final = re.compile(r"(?i)^pin(?:_?code)?$")
"""What a card or an account is opened by, where its value is as short as one: elsewhere it is a part of an address."""
_SHORT: Final = re.compile(r"^\d{3,5}$")
_WRITTEN: Final = re.compile(r"\{'\w{1,40}': [^{}]{1,3000}\}")
_PAIR: Final = re.compile(r"'(\w{1,40})': (?:'((?:[^'\\]|\\.){0,300})'|(-?\d[\d.]{0,20}))")
_SCRIPT: Final = re.compile(r"(?is)<(script|style|pre|code)\b.{0,50000}?</\1>")
"""What programs and examples show is nobody's data."""
TEXT_MOST: Final = 200_000
"""Characters of a page in which objects are looked for."""
LONGEST: Final = 1000
"""Things of one list that are looked through for a text."""
_SHOWN: Final = re.compile(r"^[*•x.\s]+|\*{3}|…|^(?:redacted|hidden|masked|null|none|true|false)?$", re.IGNORECASE)


_PLAIN: Final = re.compile(r"(?i)^_?(?:password|passwd|pwd|pass|passphrase|pw)$")
_ONCE: Final = re.compile(r"(?i)(?:key|secret|seed|codes?|pin)$|^(?:remember|recovery|verification|confirmation)_?")
"""What an answer to a change shows rightly to the one who asked: a key or a second factor at its making, the number of a booking."""
_HASH: Final = re.compile(
    r"^(?:b')?(?:\$(?:2[abxy]?|[156y]|argon2\w*|pbkdf2[\w-]*|scrypt)\$|(?:scrypt|pbkdf2|argon2)[:_])"
)
_DIGEST: Final = re.compile(r"^(?:[0-9a-fA-F]{32,128}|(?=\D*\d)[A-Za-z0-9+/_-]{40,128}={0,2})$")


def secret_fields(response: Response) -> tuple[str, ...]:
    """The names of members that hold a hash, key, token or internal value in full."""
    return tuple(dict.fromkeys(name for name, _ in _fields(members_of(response), 8)))


def members_of(response: Response) -> object:
    """The answer's JSON; where it is none, the objects that stand in it as Python writes them: ``str(user)`` of a dictionary is an answer too."""
    said = response.json()
    if said is not None or response.content_type not in ("text/html", "text/plain"):
        return said
    text = _SCRIPT.sub(" ", response.text[:TEXT_MOST])
    found = [
        {pair.group(1): pair.group(2) or pair.group(3) or "" for pair in _PAIR.finditer(one.group())}
        for one in _WRITTEN.finditer(unescape(text))
    ]
    return [one for one in found if len(one) > 1] or None


def secrets_after_change(exchange: Exchange) -> tuple[str, ...]:
    """The names of members that an answer to POST, PUT or PATCH should not hold: what the caller just sent is no news, and a key or a
    first password is rightly shown once, when it is made."""
    sent = set(sent_texts(exchange))
    password_sent = b"passw" in exchange.request.body.lower() or b"pwd" in exchange.request.body.lower()
    seen = [(name, text) for name, text in _fields(members_of(exchange.response), 8) if text not in sent]
    plain = {text for name, text in seen if _PLAIN.match(name) and not re.search(r"\s", text)}
    told: list[str] = []
    for name, text in seen:
        if _PLAIN.match(name):
            if len(plain) > 1 or _HASH.match(text) or (password_sent and _DIGEST.match(text)):
                told.append(name)
        elif not _ONCE.search(name):
            told.append(name)
    return tuple(dict.fromkeys(told))


def sent_texts(exchange: Exchange) -> Iterator[str]:
    """Every value that the request's body holds, as JSON or as a form."""
    body = exchange.request.body.decode("utf-8", "replace")
    try:
        yield from _scalars(json.loads(body), 8)
    except (ValueError, RecursionError):
        yield from (value for _, value in parse_qsl(body))


def _scalars(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, dict) and depth:
        for item in cast("dict[str, object]", value).values():
            yield from _scalars(item, depth - 1)
    elif isinstance(value, list) and depth:
        for item in cast("list[object]", value)[:LONGEST]:
            yield from _scalars(item, depth - 1)
    elif isinstance(value, (str, int, float)):
        yield str(value)


def texts(value: object, depth: int = 8) -> Iterator[str]:
    """Every text of a JSON value, whatever its name, also of rows that are lists without any."""
    if depth == 0:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in cast("dict[str, object]", value).values():
            yield from texts(item, depth - 1)
    elif isinstance(value, list):
        for item in cast("list[object]", value)[:LONGEST]:
            yield from texts(item, depth - 1)


def _is_secret(name: str, text: str) -> bool:
    return bool(SECRET.match(name)) or bool(_PIN.match(name) and _SHORT.match(text))


def _fields(value: object, depth: int) -> Iterator[tuple[str, str]]:
    if depth == 0:
        return
    if isinstance(value, dict):
        for name, item in cast("dict[str, object]", value).items():
            if isinstance(item, (str, int)) and not isinstance(item, bool) and _is_secret(name, str(item)):
                if not _SHOWN.search(str(item)):
                    yield name, str(item)
            else:
                yield from _fields(item, depth - 1)
    elif isinstance(value, list):
        for item in cast("list[object]", value)[:50]:
            yield from _fields(item, depth - 1)
