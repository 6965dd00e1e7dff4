"""Reads the forms of a page: the fields of each, in order."""

from html.parser import HTMLParser
from typing import Final

from stopper.core.probing.accounts.account_body import HIGH, RIGHTS

_NO_TEXT: Final = frozenset({"submit", "button", "image", "reset", "file"})


class FormReader(HTMLParser):
    """Collects the fields of each form while the page is read."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self._method = method
        self.found: list[tuple[str, list[tuple[str, str, str]]]] = []
        self.files: list[list[str]] = []
        self._inside = False
        self._choosing = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            by_script = f"hx-{self._method}"  # as htmx sends it
            self._inside = said.get("method", self._method if by_script in said else "get").lower() == self._method
            if self._inside:
                self.found.append((said.get(by_script) or said.get("action", ""), []))
                self.files.append([])
        elif tag == "input" and self._inside and said.get("name"):
            kind = said.get("type", "text").lower() or "text"
            if kind == "file":
                self.files[-1].append(said["name"])
            if kind not in _NO_TEXT:
                self.found[-1][1].append((said["name"], kind, said.get("value", "")))
        elif tag in ("textarea", "select") and self._inside and said.get("name"):
            self.found[-1][1].append((said["name"], tag, ""))
            self._choosing = tag == "select"
        elif tag == "option" and self._choosing and self._inside and said.get("value"):
            self._choose(said["value"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "select":
            self._choosing = False

    def _choose(self, value: str) -> None:
        """Take the first choice of a list that says something; of rights the first that makes nobody an administrator, where there is one."""
        name, tag, before = self.found[-1][1][-1]
        high = bool(RIGHTS.search(name) and HIGH.search(value))
        self.found[-1][1][-1] = (name, tag, before if high and before else value)
        self._choosing = high
