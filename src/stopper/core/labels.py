"""What a value derives from. A label is a claim about data flow; ``by_name`` marks those that lean on a name alone."""

from dataclasses import dataclass
from typing import Literal

LabelKind = Literal[
    "authorization-header",  # the Authorization header or its token part
    "request-header",        # one other header; `source` is its name in lower case
    "request-headers",       # all headers of the request at once
    "request-data",          # args, form, json, values, files, body, path parameter: anything a caller writes
    "query-string",          # request.args, request.query_string (request-data too)
    "path-parameter",        # a parameter of a view that comes from the path (request-data too)
    "request-url",           # request.url, full_path, host: the caller's, with the query in it
    "cookie",                # a request cookie
    "session",               # what the session holds
    "token",                 # a bearer, access, refresh, reset token
    "unverified-claims",     # what a decode without verification gave
    "claims",                # what a verified token says
    "api-key",
    "password",
    "config-secret",         # SECRET_KEY, JWT_SECRET_KEY, … from config
    "config",                # another single config value
    "whole-config",          # app.config or os.environ at once
    "environment",           # one environment variable
    "exception",             # the e of except … as e, or its text
    "traceback",
    "upstream",              # what an outbound call answered
    "model-output",          # what a language model answered
    "random",                # from a generator that is not cryptographic
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Label:
    """One origin. ``by_name``: nothing but a variable's, key's or parameter's name says so. ``source`` is the name or header."""

    kind: LabelKind
    by_name: bool = False
    source: str = ""


CREDENTIALS: frozenset[LabelKind] = frozenset({"authorization-header", "token", "api-key", "password", "config-secret"})
"""The labels of what must never leave."""

UNTRUSTED: frozenset[LabelKind] = frozenset(
    {"request-data", "query-string", "path-parameter", "request-header", "cookie"}
)
"""The labels of what a caller may write freely."""
UNTRUSTED_TEXT: frozenset[LabelKind] = UNTRUSTED | frozenset[LabelKind]({"request-url"})
"""The same with the address of the request, which holds its path and query."""
