"""What a request is called where it is not ``flask.request``: in WSGI middleware, and where a query string is taken apart by hand."""

from typing import Final

from stopper.core.values import Call, Name, Value, walk
from stopper.scan.source.project import Module

ENVIRON: Final = "flask.request.environ"
AGAIN: Final = frozenset(
    {
        "werkzeug.wrappers.Request", "werkzeug.Request", "flask.Request", "webob.Request",
        "urllib.parse.parse_qs", "urllib.parse.parse_qsl", "werkzeug.urls.url_decode",
    }
)  # fmt: skip
"""Calls that give a request, or its query, of what is known by another name."""
_VARIABLES: Final = {
    "PATH_INFO": "path",
    "QUERY_STRING": "query_string",
    "REQUEST_METHOD": "method",
    "REMOTE_ADDR": "remote_addr",
}
_HEADER: Final = "HTTP_"
_QUERY: Final = ("flask.request.query_string", "flask.request.url", "flask.request.full_path")


_CLIENTS: Final = ("requests", "httpx", "aiohttp", "urllib3", "http.client", "urllib.request")
"""Libraries that send requests, and hand over what they send under the same name."""
_SENT: Final = tuple(f"{one}." for one in _CLIENTS)
_SERVERS: Final = ("flask", "werkzeug", "quart", "apiflask", "connexion")


def comes_in(module: Module, bases: tuple[str, ...], typed: str) -> bool:
    """That a parameter ``request`` is what came in: by its annotation, by the class whose method is told it, else by what the file speaks to. A
    script that imports clients and nothing of Flask shows what it sends itself."""
    if typed.startswith(_SENT) or any(base.startswith(_SENT) for base in bases):
        return False
    if module.sends is None:
        known = [one.dotted for one in module.bindings.values() if type(one) is Name]
        sends = any(one in _CLIENTS or one.startswith(_SENT) for one in known)
        module.sends = sends and not any(one.startswith(_SERVERS) for one in known)
    return not module.sends


def of_environ(variable: str) -> Name | None:
    """The part of the request that a variable of WSGI holds (PEP 3333), where it is one and no header."""
    part = _VARIABLES.get(variable)
    return Name(f"flask.request.{part}") if part is not None else None


def header_of(variable: str) -> str | None:
    """``X-Api-Key`` for ``HTTP_X_API_KEY``."""
    if not variable.startswith(_HEADER):
        return None
    return variable.removeprefix(_HEADER).replace("_", "-").title()


def request_again(args: tuple[Value, ...]) -> Name | None:
    """``flask.request`` for ``Request(environ)``, its ``args`` for ``parse_qs(request.query_string.decode())``."""
    for one in walk(args[0], 4) if args else ():
        match one:
            case Name(dotted=dotted) if dotted == ENVIRON:
                return Name("flask.request")
            case Name(dotted=dotted) | Call(callee=dotted) if dotted.startswith(_QUERY):
                return Name("flask.request.args")
            case _:
                pass
    return None
