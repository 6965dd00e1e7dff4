"""Keeps the sample APIs on this machine: any caller that is not loopback is turned away before the application runs."""

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class LoopbackOnly:
    """A WSGI wrapper that answers 403 to everybody but this machine."""

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if not is_loopback(str(environ.get("REMOTE_ADDR", ""))):
            start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"The sample APIs of Stopper answer this machine alone.\n"]
        return self._application(environ, start_response)


def is_loopback(address: str) -> bool:
    """Whether *address* is one of 127.0.0.0/8 or ::1."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
