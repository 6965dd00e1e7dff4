"""Paths made of an application's own nouns: what is added to a basket has a basket, and who lists customers often shows one of them."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

NOUNS_MOST: Final = 5
"""Nouns that are tried, those that most routes speak of first."""
_VERBS: Final = frozenset(
    {
        "get", "read", "view", "show", "list", "search", "find", "fetch", "load", "add", "create", "new", "make", "edit", "update", "change", "set", "save", "delete", "remove", "drop",
        "confirm", "cancel", "process", "run", "execute", "check", "verify", "upload", "download", "export", "import", "all", "my", "to", "from", "by", "of", "in", "for", "and", "with", "do",
        "submit", "send", "authenticate", "authorize", "enter", "leave", "join", "open", "close", "start", "stop", "reset", "forgot", "manage", "generate",
    }
)  # fmt: skip
_NO_NOUNS: Final = frozenset(
    {
        "api", "rest", "auth", "login", "logout", "register", "signup", "signin", "home", "index", "static", "admin", "health", "status", "info", "version", "test", "debug", "docs", "page",
        "id", "data", "file", "password", "token", "session", "dashboard", "about", "help", "contact", "me", "v1", "v2", "v3", "swagger", "openapi", "json", "html", "favicon", "robots",
        "injection", "sql", "xss", "ssti", "ssrf", "url", "internal", "config", "settings", "in", "out", "up", "not", "user",
    }
)  # fmt: skip
"""What says nothing of what an application keeps; users are asked for in any case."""
_SIGN: Final = re.compile(r"[a-z]([_-])[a-z]")
_WORD: Final = re.compile(r"[a-z]{3,20}")
_PLAIN: Final = ("{one}/1", "{many}", "{one}", "edit/{one}/1", "view/{one}/1")
_JOINED: Final = ("get {many}", "get {one}/1", "view {one}/1", "list {many}", "all {many}", "add {one}", "create {one}", "new {one}", "edit {one}/1", "update {one}/1", "search {many}", "my {many}")  # fmt: skip
"""What is done with a thing, in applications that join their words."""


def of_its_own_nouns(found: Iterable[str]) -> tuple[str, ...]:
    """The one and the many of each noun in the routes *found*, where those stand; and what is done with it, where the application joins its words
    so. What is there already is left out."""
    known = tuple(found)
    signs = [sign for path in known for sign in _SIGN.findall(path)]
    sign = max(sorted(set(signs)), key=signs.count, default="")
    said = [pair for path in known for pair in _nouns(path)]
    counted = sorted(dict.fromkeys(said), key=lambda pair: -said.count(pair))[:NOUNS_MOST]
    shapes = (*_PLAIN, *(_JOINED if sign else ()))
    made = (
        f"{folder}/{shape.format(one=noun, many=_many(noun)).replace(' ', sign)}"
        for shape in shapes
        for folder, noun in counted
    )
    return tuple(one for one in dict.fromkeys(made) if one not in known)


def _nouns(path: str) -> Iterator[tuple[str, str]]:
    """Each noun of a path with the folder that it stands in: of joined words those behind the verb."""
    folder = ""
    for part in path.strip("/").split("/"):
        if part.startswith("{") or not re.fullmatch(r"[a-z][a-z0-9_-]{0,40}", part):
            return
        for word in re.split(r"[_-]", part):
            if _WORD.fullmatch(word) and word not in _VERBS and _one(word) not in _NO_NOUNS and word not in _NO_NOUNS:
                yield (
                    ("" if part == word and folder.strip("/") and _one(folder.strip("/")) in _VERBS else folder),
                    _one(word),
                )
        folder = f"{folder}/{part}"


def _one(word: str) -> str:
    """The singular of a noun, as far as its end tells."""
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _many(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("ss", "x", "ch", "sh")) else f"{noun}s"
