"""The request that showed a finding as one line for a shell. Whatever is masked stands as ``$TOKEN``; all else is quoted."""

from typing import Final
from urllib.parse import urlsplit

from stopper.core.secret import MASK
from stopper.scan.reports.shown import Shown, ShownExchange, ShownFinding

HERE: Final = "http://127.0.0.1:5000"
"""Where an application answers that was asked without a server: Flask's own development server."""
_CURLS_OWN: Final = frozenset({"host", "content-length", "connection", "accept-encoding", "user-agent"})
_CUT: Final = (" bytes in all)", " bytes that are not text)")


def curl_line(run: Shown, finding: ShownFinding) -> str:
    """The last exchange of *finding*, which shows the effect, as a command; ``""`` where nothing was sent."""
    exchange = finding.exchanges[-1].exchange if finding.exchanges else None
    if exchange is None or not exchange.target.startswith("/"):
        return ""
    secrets = _Secrets()
    # curl takes no blank in an address; without these two options it would tidy the path and read brackets as a pattern.
    parts = ["curl -sS --path-as-is --globoff"]
    parts += [f"-X {_word(exchange.method)}"] if exchange.method != "GET" or exchange.request_body else []
    parts.append(secrets.quoted((_origin(run) + exchange.target).replace(" ", "%20")))
    parts += [
        f"-H {secrets.quoted(f'{name}: {value}' if value else f'{name};')}"
        for name, value in exchange.request_headers
        if name.lower() not in _CURLS_OWN
    ]
    return " ".join([*parts, *_data(exchange, secrets)])


def _word(text: str) -> str:
    from shlex import quote  # a check of source sends nothing

    return quote(text)


def _origin(run: Shown) -> str:
    parts = urlsplit(run.target)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") and parts.netloc else HERE


def _data(exchange: ShownExchange, secrets: "_Secrets") -> list[str]:
    body = exchange.request_body
    if not body:
        return []
    # --data-raw, since --data would read a file where a body begins with @.
    return ["--data-binary @body.bin"] if body.endswith(_CUT) else [f"--data-raw {secrets.quoted(body)}"]


class _Secrets:
    """Gives each masked value of one command a variable of its own: ``$TOKEN``, ``$TOKEN2`` and so on."""

    def __init__(self) -> None:
        self._used = 0

    def quoted(self, text: str) -> str:
        """*text* as one word of a shell."""
        first, *rest = text.split(MASK)
        made = _word(first) if first else ""
        for part in rest:
            self._used += 1
            made += f'"${{TOKEN{self._used if self._used > 1 else ""}}}"' + (_word(part) if part else "")
        return made or "''"
