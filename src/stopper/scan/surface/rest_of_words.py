"""Names that are asked for last, where requests are left that no probe will need.

Which verbs stand before which nouns, and the words of tools, were read off route strings of public Flask projects, as those of `more_words`.
"""

import re
from collections.abc import Iterable
from typing import Final

from stopper.scan.surface.more_words import at_root, heads_of

REST_PART: Final = 0.0
"""No part of all requests: only what the probes of the known routes will leave."""
REST_MOST: Final = 0.56
"""The part of all requests after which it ends all the same."""
REST_SECONDS: Final = 2.5
"""How long is asked."""
_PAIRS: Final[tuple[tuple[str, str], ...]] = (
    ("get", "users user data file files logs log info profile image config token balance orders posts messages account items secret"),
    ("read", "file log data"),
    ("view", "file user users profile image logs post page order"),
    ("show", "users user profile config file image data"),
    ("search", "users user products books items"),
    ("create", "user file account post note"),
    ("add", "user item note post comment product"),
    ("update", "user profile password account email"),
    ("edit", "user profile post"),
    ("run", "command code file script cmd query"),
    ("execute", "command code query cmd"),
    ("load", "file data config object"),
    ("save", "file data"),
    ("process", "data xml image file"),
    ("upload", "file image avatar"),
    ("download", "file report"),
    ("fetch", "url data image"),
    ("check", "user login password status"),
    ("manage", "users accounts"),
    ("list", "users files"),
    ("admin", "panel dashboard login users page"),
    ("user", "profile info data details login register list"),
    ("vulnerable", "login search query"),
    ("deserialize", "data object"),
    ("parse", "xml yaml json"),
    ("export", "users data"),
    ("import", "data users"),
    ("forgot", "password"),
    ("verify", "token email"),
    ("reset", "password"),
    ("all", "users"),
    ("set", "cookie"),
    ("ping", "host"),
)  # fmt: skip
"""What is done, and to what it is done: one word of two."""
_ALONE: Final = (
    "unserialize", "serialize", "terminal", "shell", "console", "cmd", "os", "whoami", "env", "processes", "uptime", "lookup", "nslookup", "dig", "whois", "dns", "network", "curl", "request", "scrape",
    "hash", "encrypt", "decrypt", "encode", "decode", "parse", "validate", "compile", "math", "regex", "xpath", "ldap", "nosql", "query", "sql", "db", "data", "raw", "img", "image", "images", "display",
    "people", "customers", "employees", "members", "staff", "accounts", "balance", "transfer", "statement", "transactions", "wallet", "cart", "checkout", "coupon", "reviews", "comments", "guestbook", "blog", "forum",
    "chat", "inbox", "contacts", "documents", "invoices", "reports", "tickets", "courses", "students", "patients", "movies", "recipes", "jobs", "news", "events", "bookings", "greet", "hello", "name", "welcome", "test",
    "session", "sessions", "cookie", "cookies", "headers", "tokens", "jwt", "keys", "apikey", "api-key", "secrets", "flag", "internal", "private", "protected", "restricted", "panel", "manager", "dashboard", "settings",
    "xml", "yaml", "json", "csv", "pdf", "template", "templates", "render", "preview", "bio", "message", "messages", "post", "posts", "note", "item", "add", "new", "create", "edit", "update", "list", "all", "index", "home", "about", "contact",
)  # fmt: skip


def rest_of(found: Iterable[str]) -> tuple[str, ...]:
    """Paths at the root and below where an API begins, joined as the routes *found* join their words, or in both ways."""
    known = tuple(found)
    signs = [sign for sign in "_-" if any(re.search(rf"[a-z]{sign}[a-z]", path) for path in known)] or ["_", "-"]
    pairs = [f"{verb}{sign}{noun}" for sign in signs for verb, nouns in _PAIRS for noun in nouns.split()]
    heads = (*(("",) if at_root(known) or not heads_of(known) else ()), *heads_of(known)[:1])
    mixed = [word for two in zip(_ALONE, pairs, strict=False) for word in two]
    words = dict.fromkeys((*mixed, *_ALONE, *pairs))
    return tuple(f"{head}/{word}" for word in words for head in heads)
