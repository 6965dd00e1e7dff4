"""Words by which an API calls itself: what is in a hurry made the signing secret of."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.naming import HUMP

MOST: Final = 40
"""Words that are spelled in every way."""
_JSON: Final = re.compile(
    r'"(?:app|application|api|name|service|title|project|product)"\s{0,3}:\s{0,3}"([^"\\]{2,60})"'
)
"""How a start page of JSON calls its API."""
_TITLE: Final = re.compile(r"(?is)<(title|h1)[^>]{0,200}>([^<]{1,200})<")
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{2,30}")
_BEHIND: Final = (
    "",
    "1",
    "12",
    "123",
    "1234",
    "!",
    "key",
    "secret",
    "jwt",
    "secretkey",
    "token",
    "api",
    "app",
    "jwt-secret",
    "jwt_secret",
    "jwtsecret",
    "secret-key",
    "secret_key",
    "super-secret",
    "signing-key",
    "jwt-key",
    "jwt_key",
    "dev-secret",
    *map(str, range(2018, 2028)),
)
_JOINTS: Final = ("", "-", "_")


def own_words(app: App, host: str, page: str, claims: Iterable[object] = ()) -> tuple[str, ...]:
    """The words of the title, the host, the start page and the token's texts, and what several words of a title make together."""
    titles = [
        app.spec.title if app.spec is not None else "",
        *(found.group(2) for found in _TITLE.finditer(page)),
        *_JSON.findall(page),
    ]
    texts = [*titles, host.partition(":")[0], *(one for one in claims if isinstance(one, str))]
    found: dict[str, None] = {}
    for text in texts:
        words = _WORD.findall(text)
        if text in titles and 1 < len(words) <= 4:
            found.update((joint.join(words), None) for joint in _JOINTS)
        found.update((word, None) for word in words)
        found.update((part, None) for word in words for part in HUMP.sub(" ", word).split() if _WORD.fullmatch(part))
        found.update((2 * word, None) for word in words if text in titles)
    return tuple(found)[:MOST]


def spellings(words: Iterable[str]) -> Iterator[str]:
    """Each word as it is, small, capital and large, alone and with what is usually put behind it."""
    known = set[str]()
    for word in words:
        for cased in dict.fromkeys((word, word.lower(), word.capitalize(), word.upper())):
            for behind in _BEHIND:
                for joint in _JOINTS if behind[:1].isalpha() else ("",):
                    made = f"{cased}{joint}{behind if cased[:1].islower() or not cased.isupper() else behind.upper()}"
                    if made not in known:
                        known.add(made)
                        yield made
