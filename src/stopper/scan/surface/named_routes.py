"""Routes that an answer names in its text: a help page, a list of endpoints, a script that fetches."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Final
from urllib.parse import parse_qsl

from stopper.core.exchange import Response
from stopper.scan.surface.page_links import on_host
from stopper.scan.surface.script_bodies import Sent, sent_along
from stopper.scan.surface.script_texts import RELATIVE, is_an_address, written_out
from stopper.scan.surface.script_wrappers import with_wrappers

NAMED_MOST: Final = 60
"""Routes that one answer may name."""
SCRIPTS_MOST: Final = 4
"""Scripts of one page that are read."""
_READ: Final = 300_000
"""Characters of an answer that are read."""
_PATH: Final = r"/(?:[\w.~%:@{}$/-]|(?<=/)<[\w:]{1,40}>){1,120}"
_SPOKEN: Final = re.compile(
    rf"\b(?:GET|POST|PUT|PATCH|DELETE)\b[\s:|\"'`(→-]{{1,4}}((?>{_PATH}))(\?[\w=&%{{}}<>.,+-]{{1,120}}+)?+(?!\S*\s+HTTP/)"
)
_MEMBERS: Final = re.compile(
    r"""\s{0,3}[{(]\s{0,3}(?:(?:json|body|form|fields|with)\s{0,3}:\s{0,3})?(["']?[A-Za-z_]\w{0,39}["']?(?:\s{0,3},\s{0,3}["']?[A-Za-z_]\w{0,39}["']?){0,11})\s{0,3}[})]""",
    re.IGNORECASE,
)
_METHOD: Final = re.compile(r"[A-Z]+")
_FETCHED: Final = re.compile(
    rf"(?:\b\w{{0,20}}(?:fetch|Fetch|axios|request|Request|[aA]pi|API|http)\w{{0,12}}(?:\.\w+)?|\$\.(?:get|post|ajax|getJSON)|\.open|\.href|\blocation|\burl|\baction|\bendpoint|\bpath|\broute)\s*[(:=]\s*"
    rf"(?:['\"](?:GET|POST|PUT|PATCH|DELETE)['\"]\s*,\s*)?(?:[A-Za-z_.]{{1,40}}\s*\+\s*)?['\"`](?:\$\{{\w+\}})?({_PATH})(\?[^'\"`\s]{{1,120}})?"
)
_COMMENT: Final = re.compile(rf"<!--(?:(?!<!--)[^>]){{0,2000}}?[\s\"'=(]({_PATH})")
_ROBOTS: Final = re.compile(rf"(?im)^(?:dis)?allow:[ \t]*({_PATH}?)[ \t]*$")
"""What a file for robots says that they may not, or may, look at (RFC 9309)."""
_KEYED: Final = re.compile(rf"\"({_PATH})(\?[\w=&%{{}}<>.-]{{1,120}})?\"\s*[,:\]}}]")
_POINTED: Final = re.compile(
    rf"(?:->|=>|\u2192|\u21d2|\\u2192|\\u21d2)\s{{0,3}}({_PATH})(\?[\w=&%.-]{{1,120}})?[^\s\"\\]{{0,120}}(?:\s{{1,3}}\((GET|POST|PUT|PATCH|DELETE)\b)?"
)
"""What a list of topics points at: ``SQL injection -> /users/find?name=x``, ``Upload -> /upload (POST)``."""
_HELD: Final = re.compile(r"\$?\{\s*[\w.]*?(\w+)\s*\}|<(?:\w+:)?(\w+)>|(?<=/):(\w+)")
_SCRIPT: Final = re.compile(r"""(?i)<script[^>]{0,200}\bsrc=["']?([^"'\s>]{1,300})""")
_FOREIGN: Final = re.compile(
    r"(?i)jquery|bootstrap|popper|vendor|react|vue|angular|swagger|\.min\.|polyfill|runtime|chart|ckeditor|socket\.io"
)
_FILE: Final = re.compile(r"(?i)\.(css|js|mjs|png|jpe?g|gif|svg|ico|woff2?|ttf|map|webp|mp4|pdf|zip|html?)$|//")
_TAG: Final = re.compile(r"(?i)/(a|b|p|h\d|li|ul|td|tr|br|div|span|script|body|html|head|pre|code|form|table|text)")
"""What closes a tag, where markup stands in a text."""
_HERE: Final = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d{1,5})?(?=/)")
"""Where an application stood when its scripts were written."""
_NO_PATHS: Final = ("/bin/", "/usr/", "/etc/", "/tmp/", "/home/", "/var/", "/proc/", "/opt/")


@dataclass(frozen=True, slots=True)
class Named:
    """A route that a text names: its path in OpenAPI style, the names of its query, and what a script sends along."""

    path: str
    query: tuple[str, ...] = ()
    sent: Sent = field(default_factory=Sent)
    method: str = ""
    """The method that the text says with it."""


def named_routes(response: Response) -> Iterator[Named]:
    """The routes that the text of an answer names, each path once for each method and body. Whether they exist must be asked."""
    kind = response.content_type
    text = _HERE.sub("", response.text[:_READ])
    patterns = [_SPOKEN]
    if kind.endswith("json"):
        patterns += [_KEYED, _POINTED]
    elif kind == "text/html":
        patterns += [_FETCHED, _COMMENT, _POINTED]
        text = written_out(with_wrappers(unescape(text)))
    elif "javascript" in kind:
        patterns += [_FETCHED, RELATIVE]
        text = written_out(with_wrappers(text))
    elif kind == "text/plain":
        patterns += [_ROBOTS, _POINTED]
    else:
        return
    seen: dict[str, set[tuple[str, Sent]]] = {}
    for pattern in patterns:
        for found in pattern.finditer(text):
            said = found.group(1)
            if pattern is RELATIVE:
                said = f"/{said}" if is_an_address(said, text) else ""
            path = _template(said) if said else ""
            inside = found.end() - (pattern is RELATIVE)  # its quote is a part of it
            sent = sent_along(text, found.start(1), inside) if pattern in (_FETCHED, RELATIVE) else Sent()
            spoken = _METHOD.match(found.group()) if pattern is _SPOKEN else None
            pointed = (found.group(3) or "") if pattern is _POINTED else ""
            method = spoken.group() if spoken is not None else pointed or sent.method
            if method in ("POST", "PUT", "PATCH") and pattern is _SPOKEN:
                sent = Sent(_told_behind(text[found.end() : found.end() + 200]), method=method)
            known = seen.setdefault(path, set[tuple[str, Sent]]()) if path else {(method, sent)}
            if (method, sent) in known or (known and not method and not sent.names):
                continue
            known.add((method, sent))
            yield Named(path, _names(found.group(2) or "" if (found.lastindex or 1) > 1 else ""), sent, method)
            if len(seen) == NAMED_MOST:
                return


def scripts(response: Response, origin: str, path: str) -> list[str]:
    """The paths of the page's own scripts; libraries are left out."""
    if response.content_type != "text/html":
        return []
    found: dict[str, None] = {}
    for said in _SCRIPT.findall(response.text[:_READ]):
        where = on_host(unescape(said), origin, path)
        if where is not None and not _FOREIGN.search(where.path):
            found.setdefault(where.path)
    return list(found)[:SCRIPTS_MOST]


def _told_behind(rest: str) -> tuple[str, ...]:
    """The members of a body that a line names behind a path: ``POST /loans {book_id, days}``, ``POST /login (JSON: username, password)``."""
    told = _MEMBERS.match(rest)
    return tuple(dict.fromkeys(re.findall(r"[A-Za-z_]\w{0,39}", told.group(1)))) if told is not None else ()


def _template(said: str) -> str:
    """The path in OpenAPI style, whatever a parameter is written as; empty where it names no route."""
    path = _HELD.sub(lambda held: "{" + (held.group(1) or held.group(2) or held.group(3)) + "}", said)
    path = re.split(r"[<>$]|\{(?!\w+\})", path)[0].rstrip(".,:")
    names = re.findall(r"\{(\w+)\}", path)
    if (
        len(path) < 2
        or re.fullmatch(r"(/\{\w+\})+/?", path)  # an address that is all in the names of a script
        or re.search(r"\w\{", path)
        or _FILE.search(path)
        or path.startswith(_NO_PATHS)
        or _TAG.fullmatch(path)
        or len(names) != len(set(names))
    ):
        return ""
    return path if re.fullmatch(r"[\x21-\x7e]+", path) else ""


def _names(query: str) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(name for name, _ in parse_qsl(query.lstrip("?"), keep_blank_values=True) if name.isidentifier())
    )
