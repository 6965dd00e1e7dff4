"""Calls of libraries that wait for another host, and where each takes its time-out."""

import re
from typing import Final

from stopper.core.values import Call, Format, text_of

VERBS: Final = ("get", "post", "put", "patch", "delete", "head", "options", "request")
WAITS_FOR_EVER: Final[dict[str, int | None]] = {
    **{f"requests.{verb}": None for verb in VERBS},
    **{f"requests.Session.{verb}": None for verb in VERBS},
    **{f"requests.sessions.Session.{verb}": None for verb in VERBS},
    **{f"requests.session.{verb}": None for verb in VERBS},
    **{f"requests.api.{verb}": None for verb in VERBS},
    "urllib.request.urlopen": 2,
    "six.moves.urllib.request.urlopen": 2,
    "urllib3.PoolManager.request": None,
    "urllib3.request": None,
    "http.client.HTTPConnection": 2,
    "http.client.HTTPSConnection": None,
    "smtplib.SMTP": 3,
    "smtplib.SMTP_SSL": None,
    "socket.create_connection": 1,
    "ftplib.FTP": 4,
}
"""Name → position of ``timeout`` among the arguments (None: by name only). Without one they wait as long as the other side likes."""
ENDS_BY_ITSELF: Final = tuple(
    [f"httpx.{word}" for word in (*VERBS, "stream", "Client", "AsyncClient")]
    + [f"httpx.{client}.{verb}" for client in ("Client", "AsyncClient") for verb in (*VERBS, "stream")]
    + ["aiohttp.ClientSession"]
)
"""These have a time-out of their own: only ``timeout=None`` takes it away."""
SESSION: Final = re.compile(r"requests\.(?:sessions\.)?(?:Session|session)")


_OF_THIS_MACHINE: Final = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?![\w.-])")


def asks_this_machine(call: Call) -> bool:
    """``requests.get("http://localhost:4080/fees")``: who answers there runs beside the application."""
    given = call.argument(1 if call.method in ("request", "stream") else 0, "url")
    if isinstance(given, Format) and given.parts:
        given = given.parts[0]
    return _OF_THIS_MACHINE.match(text_of(given) or "") is not None
