"""Whoever reads the log can use the tokens in it."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.facts import source_of
from stopper.core.place import Span
from stopper.core.rule import Hit, Rule
from stopper.core.values import Constant, walk

MESSAGE: Final = "the format of the access log writes down a header that carries a credential"
SETTINGS: Final = frozenset({"access_log_format", "logformat", "log_format"})
_NAMES: Final = r"(?:http_)?(?:proxy-)?(?:authorization|cookie|x[-_]api[-_]key|x[-_](?:auth|access)[-_]token)"
_GUNICORN: Final = re.compile(rf"(?i)%[(]?\{{{_NAMES}\}}[ie](?:\)s)?")
"""gunicorn's ``%({authorization}i)s`` and ``%({http_authorization}e)s``, Apache's ``%{Authorization}i``."""
_PROXY: Final = re.compile(
    r"(?i)\$(?:http_authorization|http_cookie|http_x_api_key|http_x_auth_token|cookie_\w*token\w*)\b"
)
"""nginx's variables in a ``log_format``."""
_LINE: Final = re.compile(r"(?i)log_?-?format")


def detect(app: App) -> Iterator[Hit]:
    """A log format, in gunicorn's settings or in files beside the code, that names such a header."""
    facts = source_of(app)
    for assigned in facts.assignments():
        if assigned.attribute.lower() not in SETTINGS:
            continue
        texts = [str(one.value) for one in walk(assigned.value) if isinstance(one, Constant)]
        if any(_GUNICORN.search(text) for text in texts):
            yield Hit(MESSAGE, assigned.span)
    for file in facts.files_of("config", "procfile", "dockerfile", "compose", "script"):
        if not any(file.lines_with("log_format", "logformat", "log-format", "log_-format")):
            continue
        inside = False
        for number, line in enumerate(file.lines, 1):
            inside = bool(_LINE.search(line)) or (inside and ";" not in file.lines[number - 2])
            if not line.lstrip().startswith("#") and inside and (_PROXY.search(line) or _GUNICORN.search(line)):
                yield Hit(MESSAGE, Span(file.path, number, number, 0, len(line)))


RULE = Rule(
    slug="token-in-access-log",
    family="bearer",
    title="Token in the access log",
    harm=__doc__ or "",
    severity="medium",
    check="data-exposure",
    cwe=(532,),
    owasp="API8:2023",
    asvs=("V14.2.1",),
    surfaces=("source",),
    ends="Stopper's log formatter masks credentials in the access log too (docs/secrets-in-logs.md).",
    detect=detect,
)
