"""Names that small APIs use, asked for where a crawl has found hardly anything."""

from typing import Final

FEW: Final = 5
"""Below so many routes more names are tried: an API without a document and without links shows nothing of itself."""
_THINGS: Final = (
    "user", "get", "product", "book", "post", "article", "task", "todo", "message", "customer", "comment", "employee", "event", "ticket",
)  # fmt: skip
_DOINGS: Final = (
    "home", "index", "info", "version", "ping", "echo", "hello", "welcome", "greet", "list", "data", "view", "page", "file",
    "image", "read", "download", "fetch", "proxy", "redirect", "render", "template", "preview", "convert", "lookup", "calc", "eval", "exec",
    "cmd", "ping", "log", "logs", "report", "export", "xml", "yaml", "feedback", "contact", "transactions", "graphql",
)  # fmt: skip
_DOORS: Final = ("/user/login", "/user/register", "/account/login", "/account/register")
MORE: Final[tuple[str, ...]] = tuple(
    dict.fromkeys(
        (
            *_DOORS,
            *(f"/{word}/1" for word in _THINGS),
            *(f"/{word}s" for word in _THINGS if word != "get"),
            *(f"/{word}" for word in _DOINGS),
        )
    )
)
"""Paths, the likeliest kinds first; all of them are only read."""
