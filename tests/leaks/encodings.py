"""How the secret is written when it reaches the log."""

import base64
import html
import json
import logging
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

from tests.leaks.place import Group, Place, canary

group = Group()
log = logging.getLogger("shop")

ODD = "pä\"ss'\\w<o>r&d %77/+= "


def odd() -> str:
    return f"{ODD}{canary()}"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


WAYS: dict[str, Callable[[str], str]] = {
    "quoted for a URL": lambda text: quote(text, safe=""),
    "as a form": lambda text: urlencode({"x": text}),
    "as JSON": lambda text: json.dumps({"x": text}),
    "as JSON beyond ASCII": lambda text: json.dumps({"x": text}, ensure_ascii=False),
    "as JSON in JSON": lambda text: json.dumps({"x": json.dumps({"y": text})}),
    "as HTML": html.escape,
    "as repr": repr,
    "as repr of bytes": lambda text: repr(text.encode()),
    "in hex": lambda text: text.encode().hex(),
    "in capital hex": lambda text: text.encode().hex().upper(),
    "in base64": b64,
    "in base64 behind one byte": lambda text: b64(f"x{text}"),
    "in base64 behind two bytes": lambda text: b64(f"xy{text}"),
    "in base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "in base64 with lines": lambda text: base64.encodebytes(f"{text} and what follows it".encode()).decode(),
    "as Basic authentication": lambda text: f"Basic {b64(f'ann:{text}')}",
    "in base64 in a URL": lambda text: quote(b64(text), safe=""),
    "in base64 of JSON": lambda text: b64(json.dumps({"x": text})),
    "in base64 of base64": lambda text: b64(b64(text)),
    "in hex of base64": lambda text: b64(text).encode().hex(),
    "in a URL in a URL": lambda text: quote(f"https://x/?next={quote_plus(text)}", safe=""),
    "as JSON in base64 in a form": lambda text: urlencode({"state": b64(json.dumps([text]))}),
}


def decoded(text: str) -> str:
    """What a reader who tries every decoding sees: the proof that the secret was there."""
    import binascii
    import re
    from urllib.parse import unquote, unquote_plus

    found, todo = "", [text]
    for _ in range(4):
        new: list[str] = []
        for one in todo:
            new += [unquote(one), unquote_plus(one), html.unescape(one)]
            for quoted in re.findall(r'"(?:[^"\\]|\\.)*"', one):
                try:
                    new.append(str(json.loads(quoted)))
                except ValueError:
                    continue
            plainer = one.encode("latin-1", "backslashreplace").decode("unicode_escape", "replace")
            new += [plainer, plainer.encode("latin-1", "replace").decode("utf-8", "replace")]
            for run in re.findall(r"[A-Za-z0-9+/_-]{12,}(?:\n[A-Za-z0-9+/_-]+)*", one):
                plain = run.replace("-", "+").replace("_", "/").replace("\n", "")
                for code in (plain[: len(plain) // 4 * 4], plain + "=" * (-len(plain) % 4)):
                    try:
                        new.append(base64.b64decode(code).decode("utf-8", "replace"))
                    except (binascii.Error, ValueError):
                        continue
                try:
                    new.append(bytes.fromhex(run).decode("utf-8", "replace"))
                except ValueError:
                    continue
        todo = list(dict.fromkeys(new) - dict.fromkeys([text]).keys())
        found += "\n".join(todo)
    return found


def add(title: str, way: Callable[[str], str], make: Callable[[], str]) -> None:
    @group.path(title, make)
    def run(place: Place) -> None:
        logging.basicConfig(filename="app.log", encoding="utf-8")
        log.warning("with %s here", way(place.canary))
        Path("decoded").write_text(decoded(Path("app.log").read_text("utf-8")), "utf-8", "replace")


for title, way in WAYS.items():
    add(title, way, canary)
    if title in ("quoted for a URL", "as JSON", "as JSON in JSON", "as HTML", "as repr", "in base64 of JSON"):
        add(f"{title}, with odd signs in it", way, odd)
