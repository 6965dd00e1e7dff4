"""The forms of a page: where each goes, and what its fields hold; and the addresses of its links."""

import re
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from typing import Final

TOKEN: Final = re.compile(r"(?i)csrf|xsrf|^_?nonce$")
"""Fields against forged requests: they are left to who sends the form."""
_HREF: Final = re.compile(r"""(?i)\bhref\s*=\s*["']([^"'#<>\s]{1,300})["']""")
_NO_TEXT: Final = frozenset({"submit", "button", "image", "reset", "file"})


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a page: where it goes, its fields as (name, type, value), and the names of the files that it sends."""

    action: str
    fields: tuple[tuple[str, str, str], ...]
    files: tuple[str, ...] = ()

    @property
    def asks_password(self) -> bool:
        """Whether somebody has to type a password."""
        return any(kind == "password" for _, kind, _ in self.fields)


def forms_of(text: str, method: str = "post") -> tuple[Form, ...]:
    """The forms of a page that are sent by this method."""
    reader = _Forms(method)
    reader.feed(text[:500_000])
    return tuple(
        Form(action, tuple(fields), tuple(files))
        for (action, fields), files in zip(reader.found, reader.files, strict=True)
    )


def hrefs(text: str) -> list[str]:
    """The addresses of a page's links, as they stand."""
    return [unescape(found) for found in _HREF.findall(text[:300_000])]


class _Forms(HTMLParser):
    """Collects the fields of each form while the page is read."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self._method = method
        self.found: list[tuple[str, list[tuple[str, str, str]]]] = []
        self.files: list[list[str]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = said.get("method", "get").lower() == self._method
            if self._inside:
                self.found.append((said.get("action", ""), []))
                self.files.append([])
        elif tag == "input" and self._inside and said.get("name"):
            kind = said.get("type", "text").lower() or "text"
            if kind == "file":
                self.files[-1].append(said["name"])
            if kind not in _NO_TEXT:
                self.found[-1][1].append((said["name"], kind, said.get("value", "")))
        elif tag in ("textarea", "select") and self._inside and said.get("name"):
            self.found[-1][1].append((said["name"], tag, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
