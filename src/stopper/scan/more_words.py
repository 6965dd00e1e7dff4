"""Names that small APIs use, asked for where a crawl has found hardly anything.

The lists were counted: route strings of some two hundred public Flask projects, and of public samples that are weak on purpose.
"""

import re
from collections.abc import Iterable
from typing import Final

FEW: Final = 5
"""Below so many routes that pages, forms or texts led to, more names are tried: such an API shows nothing of itself."""
MANY: Final = 15
"""From so many routes on no names are tried."""
BELOW_MOST: Final = 2
"""Beginnings of paths below which names are tried."""
_THINGS: Final = (
    "user", "get", "product", "book", "post", "article", "task", "todo", "message", "customer", "comment", "employee", "event", "ticket", "profile",
    "welcome", "hello", "greet", "file", "download", "view", "page", "delete",
)  # fmt: skip
_LISTS: Final = (
    "user", "product", "book", "post", "article", "task", "todo", "message", "customer", "comment", "employee", "event", "ticket", "account", "transaction",
    "upload", "setting", "secret", "report", "log",
)  # fmt: skip
_DOINGS: Final = (
    "home", "index", "info", "version", "ping", "echo", "hello", "welcome", "greet", "list", "data", "view", "page", "file", "help", "about",
    "image", "read", "download", "fetch", "proxy", "redirect", "render", "template", "preview", "convert", "lookup", "calc", "calculate", "eval", "exec",
    "execute", "run", "cmd", "command", "log", "report", "export", "import", "backup", "xml", "yaml", "feedback", "contact", "graphql",
    "dashboard", "protected", "test", "create", "add", "post", "tokens", "signin", "sign-in", "reset-password", "forgot-password", "change_password",
    "change-password", "reset_password", "update_profile", "stats", "load", "url", "external", "secret", "env", "flag", "note", "comment", "message", "chat", "ask",
    "sql", "sqli", "xss", "ssti", "ssrf", "lfi", "rce", "xxe", "idor", "deserialize", "deserialization", "pickle", "vulnerable", "unsafe", "route",
)  # fmt: skip
_JOINED: Final = (
    "get_users", "get_user", "list_users", "get_log", "get_logs", "get_data", "read_file", "get_file", "view_file", "run_file", "create_file", "delete_file",
    "create_user", "add_user", "update_user", "delete_user", "run_command", "sql_injection", "command_injection", "path_traversal", "open_redirect", "file_upload",
)  # fmt: skip
_DOORS: Final = (
    "/user/login",
    "/user/register",
    "/account/login",
    "/account/register",
    "/register/user",
    "/login/user",
)
MORE: Final[tuple[str, ...]] = tuple(
    dict.fromkeys(
        (
            *_DOORS,
            *(f"/{word}/1" for word in _THINGS),
            *(f"/{word}s" for word in _LISTS),
            *(f"/{word}" for word in _DOINGS),
            *(f"/{word}" for word in _JOINED),
        )
    )
)
"""Paths, the likeliest kinds first; all of them are only read."""
_BELOW: Final = (
    "login", "register", "users", "user", "1", "create", "list", "search", "admin", "me", "profile", "config", "data", "status", "health", "info", "debug",
    "ping", "files", "file", "upload", "download", "export", "fetch", "token", "auth", "key", "messages", "notes", "products", "orders", "tasks",
    "posts", "post", "comments", "xml", "deserialize", "exec", "user/1", "user/login", "user/register", "chat", "logs", "backup", "settings", "feedback", "webhook",
)  # fmt: skip
_BEGINNING: Final = re.compile(r"(/[^/{}]+(?:/v\d{1,3}(?=/|$))?)(/.|$)")
_HEADS: Final = re.compile(r"(?i)^/(api|rest|v\d+)(/v\d+)?$")


def below(found: Iterable[str]) -> tuple[str, ...]:
    """Paths below the beginnings of the routes *found*: those of an API, and those that several of these share."""
    begun = [part for path in found if (part := _BEGINNING.match(path)) is not None]
    heads = [part.group(1) for part in begun if part.group(2) or _HEADS.match(part.group(1))]
    shared = sorted(
        (head for head in dict.fromkeys(heads) if _HEADS.match(head) or heads.count(head) > 1),
        key=lambda head: (not _HEADS.match(head), -heads.count(head)),
    )
    return tuple(f"{head}/{word}" for head in shared[:BELOW_MOST] for word in _BELOW)
