"""The client behind a ``requests.Session``: what is written for requests goes on working, under the client's rules.

The errors are Stopper's, not those of requests, whose exceptions carry the whole request along.
"""

from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from io import BytesIO
from typing import Any, Final

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from stopper.outbound.client import Client
from stopper.outbound.errors import CallRefusedError
from stopper.outbound.foreign import Ready, send

_OF_REQUESTS: Final = {
    "connection": "keep-alive",
    "accept-encoding": "*",
    "content-length": "*",
    "transfer-encoding": "chunked",
}


class ClientAdapter(BaseAdapter):
    """A transport adapter: mount it with ``session.mount("https://", ClientAdapter(client))``, or take :func:`session`."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: object = None,
        verify: bool | str = True,
        cert: object = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The reply as requests knows it. The client's time-outs and certificates hold, whatever is asked for here.

        Raises OutboundError; CallRefusedError also for ``verify=False``, a client certificate and a proxy.
        """
        if verify is False or cert or any(not name.startswith("no") for name in proxies or ()):
            raise CallRefusedError("transport", "verify=False, cert and proxies are not for this session")
        ready = Ready(request.method or "", request.url or "", request.headers.items(), request.body, _OF_REQUESTS)
        reply = send(self._client, ready)
        return _response(request, reply.status, dict(reply.headers), reply.body)

    def close(self) -> None:
        """Close what is kept open."""
        self._client.close()


def session(client: Client) -> requests.Session:
    """A session whose every call goes through *client*: no proxy and ``.netrc`` of the environment, no cookies, no plain http."""
    made = requests.Session()
    made.trust_env = False
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = ClientAdapter(client)
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    return made


def _response(
    request: requests.PreparedRequest, status: int, headers: dict[str, str], body: bytes
) -> requests.Response:
    made: Any = requests.Response()
    made.status_code, made.url, made.request = status, request.url, request
    made.headers = CaseInsensitiveDict(headers)
    made.encoding = requests.utils.get_encoding_from_headers(made.headers)
    made.raw, made._content, made._content_consumed = BytesIO(body), body, True
    return made  # type: ignore[no-any-return]
