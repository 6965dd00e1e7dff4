"""Addresses that a script puts together: ``"/cards/" + id + "/limit"``, ``IDENTITY + urls.LOGIN``; they are written out before they are looked for."""

import re
from typing import Final

READ: Final = 300_000
"""Characters of a script that are read."""
NAMES_MOST: Final = 200
ROUNDS: Final = 3
_TEXT: Final = r"""(["'`])([^"'`\n]{1,120})"""
_SET: Final = re.compile(rf"\b([A-Za-z_$][\w$]{{0,40}})\s{{0,3}}=\s{{0,3}}{_TEXT}\2")
_MEMBER: Final = re.compile(rf"\b([A-Za-z_$][\w$]{{0,40}})\s{{0,3}}:\s{{0,3}}{_TEXT}\2")
_PART: Final = re.compile(
    r"^(?:https?://[^/\s]{1,80})?/?[\w{}<>:$.-]{0,60}(?:/[\w{}<>:$.-]{0,60}){0,12}(?:\?[\w=&{}-]{0,80})?$"
)
"""What may be a part of an address."""
_ADDED: Final = re.compile(
    r"(?<![\w$.])([A-Za-z_$][\w$]{0,40})(?:\.([A-Za-z_$][\w$]{0,40}))?(?=\s{0,3}\+\s{0,3}(?:[\"'`]|[A-Za-z_$]))"
)
_BEHIND: Final = re.compile(
    r"(?<=\+)\s{0,3}([A-Za-z_$][\w$]{0,40})(?:\.(?!replace\b)([A-Za-z_$][\w$]{0,40}))?(?:\.replace\([^()\n]{0,80}\))?(?![\w$.(\[])"
)
_INSIDE: Final = re.compile(r"\$\{\s{0,3}([A-Za-z_$][\w$]{0,40})(?:\.([A-Za-z_$][\w$]{0,40}))?\s{0,3}\}")
_JOINT: Final = re.compile(r"""(?<=[\w/}?=&>-])(["'`])\s{0,3}\+\s{0,3}(["'`])(?=[\w/{?&<-])""")
_HELD: Final = re.compile(
    r"""(["'])([^"'\s]{0,120}[/=])["']\s{0,3}\+\s{0,3}(?:encodeURIComponent\(\s{0,3}([\w$.]{1,60}?)\s{0,3}\)|([A-Za-z_$][\w$.]{0,60})(?![\w$.(\[]))"""
    r"""(?:\s{0,3}\+\s{0,3}["']([/?&][^"'\s]{0,120})["'])?"""
)
RELATIVE: Final = re.compile(
    r"""["'`](?=(?:[\w-]{1,40}/)+[\w{<:])((?:[\w{}<>:$-]{1,60}/){1,8}[\w{}<>:$-]{1,60})(\?[\w=&{}%.-]{1,120})?["'`]"""
)
"""An address of several parts without the slash before them, with its query."""
_NO_PATH: Final = re.compile(
    r"(?i)^(application|text|image|audio|video|multipart|font|use|node_modules|\d+)/|\.(js|css|png|svg|html?)$"
)


def written_out(text: str) -> str:
    """*text* with the addresses in it written out, as far as it says itself what stands in their places."""
    if "+" not in text and "${" not in text:
        return text
    text = text[:READ]
    known = known_texts(text)
    if known:
        text = _ADDED.sub(lambda found: _said(known, found) or found.group(), text)
        text = _BEHIND.sub(lambda found: _said(known, found) or found.group(), text)
        text = _INSIDE.sub(lambda found: _said(known, found).strip('"') or found.group(), text)
    for _ in range(ROUNDS):
        joined = _JOINT.sub("", text) if known else text
        joined = _HELD.sub(_with_held, joined)
        if joined == text:
            break
        text = joined
    return text


def is_an_address(said: str, others: str) -> bool:
    """Whether a text of several parts is an address by itself: neither a kind of content nor a file, nor the end of one that stands whole in
    *others*."""
    return not _NO_PATH.search(said) and f"/{said}" not in others


def known_texts(text: str) -> dict[str, str]:
    """What names stand for: those that a script sets once, and the members of its objects."""
    found: dict[str, str | None] = {}
    for pattern in (_SET, _MEMBER):
        for one in list(pattern.finditer(text))[:NAMES_MOST]:
            name, said = one.group(1), one.group(3)
            if "/" in said and _PART.match(said):
                found[name] = said if found.get(name, said) == said else None
    return {name: said for name, said in found.items() if said is not None}


def _said(known: dict[str, str], found: re.Match[str]) -> str:
    value = known.get(found.group(2) or found.group(1))
    return f'"{value}"' if value is not None else ""


def _with_held(found: re.Match[str]) -> str:
    quote, before, coded, plain, behind = found.groups()
    name = re.sub(r"\W", "", (coded or plain).rpartition(".")[2]) or "id"
    return f"{quote}{before}{{{name}}}{behind or ''}{quote}"
