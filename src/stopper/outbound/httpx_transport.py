"""The client behind httpx (or its successor httpx2): ``httpx.Client(transport=transport_for(client))``.

Whichever of the two is installed is taken. The errors are Stopper's, since those of httpx carry the whole request along.
"""

import asyncio
from importlib import import_module
from typing import Any, Final

from stopper.core.errors import SettingError
from stopper.outbound.client import Client
from stopper.outbound.errors import CallRefusedError
from stopper.outbound.foreign import Ready, send
from stopper.outbound.reply import Reply

_OF_HTTPX: Final = {
    "connection": "keep-alive",
    "accept-encoding": "*",
    "content-length": "*",
    "transfer-encoding": "chunked",
}


def transport_for(client: Client, library: str | None = None) -> Any:
    """A transport for ``httpx.Client`` and ``httpx.AsyncClient`` (under asyncio).

    *library*: ``httpx`` or ``httpx2``; the one that is installed, if None. Raises SettingError when there is none.
    """
    httpx = _library(library)

    class ClientTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):  # type: ignore[name-defined,misc]
        """Hands every request to the client."""

        def handle_request(self, request: Any) -> Any:
            return self._answered(request, request.read())

        async def handle_async_request(self, request: Any) -> Any:
            body = await request.aread()
            return await asyncio.to_thread(self._answered, request, body)

        def _answered(self, request: Any, body: bytes) -> Any:
            reply = _sent(client, request, body)
            return httpx.Response(reply.status, headers=list(reply.headers.items()), content=reply.body)

        def close(self) -> None:
            client.close()

        async def aclose(self) -> None:
            client.close()

    return ClientTransport()


def _library(name: str | None) -> Any:
    for one in (name,) if name else ("httpx", "httpx2"):
        try:
            return import_module(one)
        except ImportError:
            continue
    raise SettingError("neither httpx nor httpx2 is installed; type: pip install httpx2")


def _sent(client: Client, request: Any, body: bytes) -> Reply:
    host = request.headers.get("host", "")
    if host.lower() != request.url.netloc.decode("ascii").lower():
        raise CallRefusedError("headers", "the Host header is made by the client; leave it out")
    made = {**_OF_HTTPX, "host": host.lower()}
    return send(client, Ready(request.method, str(request.url), request.headers.raw, body or None, made))
