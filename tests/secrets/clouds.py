"""Local servers that speak what the clouds document: AWS by moto, Azure Key Vault and GCP Secret Manager here.

Each asks for a credential as the real one does and keeps versions. ``broken`` makes it answer 500 to everything.
"""

import base64
import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.secrets.openbao import HERE

TOKEN = "a-token-of-the-cloud-abcdef"
START = 1_750_000_000
"""When version 1 was made; each later one a day after."""
Answer = tuple[int, object, dict[str, str]]


class Cloud:
    """One server. ``versions`` by secret: the values, oldest first; None for one that is disabled."""

    def __init__(
        self, decide: "Callable[[Cloud, BaseHTTPRequestHandler], Answer]", tls: tuple[Path, Path] | None
    ) -> None:
        self.versions: dict[str, list[str | None]] = {}
        self.expires: dict[str, int] = {}
        self.broken = False
        self.forbidden = False
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                self.sent = self.rfile.read(length)
                status, body, headers = (
                    (500, {"error": "canary-of-an-error"}, {}) if cloud.broken else decide(cloud, self)
                )
                raw = json.dumps(body).encode()
                self.send_response(status)
                for name, value in {
                    "Content-Type": "application/json",
                    "Content-Length": str(len(raw)),
                    **headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = _answer

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer((HERE, 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def key_vault(cloud: Cloud, request: BaseHTTPRequestHandler) -> Answer:
    """GET /secrets/{name}[/{version}] and /secrets/{name}/versions, after the challenge of a bearer token."""
    path = request.path.partition("?")[0]
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        # The SDK takes the challenge only when its resource is a parent of the host; 127.0.0.1 has "0.0.1" for one.
        challenge = f'Bearer authorization="https://login.microsoftonline.com/t", resource="https://0.0.1:{cloud.port}"'
        return 401, {"error": {"code": "Unauthorized", "message": "no token"}}, {"WWW-Authenticate": challenge}
    if cloud.forbidden:
        return 403, {"error": {"code": "Forbidden", "message": "no right"}}, {}
    _, _, name, *rest = path.split("/")
    kept = cloud.versions.get(name)
    if kept is None:
        return 404, {"error": {"code": "SecretNotFound", "message": "not found"}}, {}
    if rest == ["versions"]:
        return 200, {"value": [_bundle(cloud, name, place, False) for place in range(len(kept))], "nextLink": None}, {}
    place = int(rest[0], 16) if rest and rest[0] else len(kept) - 1
    return 200, _bundle(cloud, name, place, True), {}


def _bundle(cloud: Cloud, name: str, place: int, with_value: bool) -> dict[str, object]:
    value = cloud.versions[name][place]
    attributes: dict[str, object] = {
        "enabled": value is not None,
        "created": START + place * 86_400,
        "updated": START + place * 86_400,
    }
    if name in cloud.expires:
        attributes["exp"] = cloud.expires[name]
    shown = {"value": value} if with_value else {}
    return {**shown, "id": f"https://{HERE}:{cloud.port}/secrets/{name}/{place:032x}", "attributes": attributes}


def managed_identity(cloud: Cloud, request: BaseHTTPRequestHandler) -> Answer:
    """The App Service endpoint that hands out tokens to what runs beside it."""
    if request.headers.get("X-IDENTITY-HEADER") != "beside":
        return 400, {"error": "no"}, {}
    return 200, {"access_token": TOKEN, "expires_on": str(START + 10**9), "resource": "r", "token_type": "Bearer"}, {}


def secret_manager(cloud: Cloud, request: BaseHTTPRequestHandler) -> Answer:
    """GET /v1/projects/p/secrets/s/versions/v[:access]."""
    path = request.path.partition("?")[0]
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        return 401, _status(401, "UNAUTHENTICATED"), {}
    if cloud.forbidden:
        return 403, _status(403, "PERMISSION_DENIED"), {}
    *_, name, _, asked = path.removesuffix(":access").split("/")
    kept = cloud.versions.get(name, [])
    number = len(kept) if asked == "latest" else int(asked)
    if not 1 <= number <= len(kept):
        return 404, _status(404, "NOT_FOUND"), {}
    full = path.removeprefix("/v1/").removesuffix(":access").rpartition("/")[0] + f"/{number}"
    value = kept[number - 1]
    if not path.endswith(":access"):
        return 200, {"name": full, "createTime": f"2026-01-{number:02}T00:00:00Z", "state": "ENABLED"}, {}
    if value is None:
        return 400, _status(400, "FAILED_PRECONDITION"), {}
    return 200, {"name": full, "payload": {"data": base64.b64encode(value.encode()).decode()}}, {}


def _status(code: int, word: str) -> dict[str, object]:
    return {"error": {"code": code, "message": word, "status": word}}


def metadata(cloud: Cloud, request: BaseHTTPRequestHandler) -> Answer:
    """The metadata server of a Google machine."""
    flavour = {"Metadata-Flavor": "Google"}
    if "token" in request.path:
        return 200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}, flavour
    if "service-accounts" in request.path:
        return (
            200,
            {
                "aliases": ["default"],
                "email": "api@shop.iam.gserviceaccount.com",
                "scopes": ["https://www.googleapis.com/auth/cloud-platform"],
            },
            flavour,
        )
    return 200, "shop", flavour
