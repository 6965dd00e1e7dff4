"""`stopper mcp` over its real protocol: a child process, spoken to by the SDK's own client."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters

LEAKY = """import jwt
from flask import Flask, request

app = Flask(__name__)
SECRET = "canary-7f3a-signing-secret-of-the-sample"


@app.get("/me")
def me():
    token = request.headers["Authorization"].removeprefix("Bearer ")
    return jwt.decode(token, SECRET, options={"verify_signature": False})
"""
GOOD = LEAKY.replace(', options={"verify_signature": False}', ', algorithms=["HS256"]').replace(
    'SECRET = "canary-7f3a-signing-secret-of-the-sample"', 'SECRET = os.environ.get("SECRET_OF_ME") or os.urandom(32)'
)


Ask = Callable[..., tuple[bool, str]]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BlockingPortal, Client]]:
    """One server process for all tests: its start costs more than everything it is asked."""
    root = tmp_path_factory.mktemp("project")
    (root / "leaky_me.py").write_text(LEAKY, "utf-8")
    (root / "good_me.py").write_text("import os\n" + GOOD, "utf-8")
    (root / "half").mkdir()
    (root / "half" / "broken.py").write_text("def (:\n", "utf-8")
    started = StdioServerParameters(command=sys.executable, args=["-m", "stopper.cli", "mcp", "--root", str(root)])
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(started)) as one:
        yield portal, one


@pytest.fixture
def ask(client: tuple[BlockingPortal, Client]) -> Ask:
    """Call a tool: whether it failed, and the text of its answer."""
    portal, one = client

    def asked(tool: str, **arguments: Any) -> tuple[bool, str]:
        found = portal.call(one.call_tool, tool, arguments)
        return bool(found.is_error), "".join(getattr(part, "text", "") for part in found.content)

    return asked


@pytest.mark.feature("F59")
def test_it_offers_seven_tools(client: tuple[BlockingPortal, Client]) -> None:
    portal, one = client
    names = {tool.name for tool in portal.call(one.list_tools).tools}
    wanted = {"check_source", "scan_api", "audit_app", "explain_rule", "list_rules", "verify_fix", "access_table"}
    assert names == wanted


def test_check_tells_the_line_and_no_secret(ask: Ask) -> None:
    failed, text = ask("check_source", path="leaky_me.py", select=["jwt-signature-not-verified"])
    report = json.loads(text)
    assert not failed
    assert [(one["path"], one["line"]) for one in report["findings"]] == [("leaky_me.py", 11)]
    assert "canary-7f3a" not in text


def test_audit_proves_it_and_holds_no_secret(ask: Ask) -> None:
    failed, text = ask("audit_app", app="leaky_me:app")
    assert not failed
    assert "jwt-signature-not-verified" in {one["rule"] for one in json.loads(text)["findings"]}
    assert "canary-7f3a" not in text


@pytest.mark.parametrize(("path", "fixed"), [("leaky_me.py", False), ("good_me.py", True)])
def test_verify_fix_tells_whether_it_is_gone(ask: Ask, path: str, fixed: bool) -> None:
    failed, text = ask("verify_fix", rule="jwt-signature-not-verified", path=path)
    assert not failed
    assert json.loads(text)["fixed"] is fixed


def test_verify_fix_does_not_guess_where_a_file_was_not_read(ask: Ask) -> None:
    _, text = ask("verify_fix", rule="jwt-signature-not-verified", path="half")
    assert json.loads(text)["fixed"] is None


def test_explain_gives_the_page(ask: Ask) -> None:
    failed, text = ask("explain_rule", rule="debug-enabled")
    assert not failed
    assert "## Bad" in text


def test_the_access_table_names_every_door(ask: Ask) -> None:
    failed, text = ask("access_table", app="leaky_me:app")
    assert not failed
    assert ("GET", "/me") in {(one["method"], one["route"]) for one in json.loads(text)["doors"]}


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("explain_rule", {"rule": "debug-enabeld"}, "did you mean debug-enabled"),
        ("check_source", {"path": "../.."}, "reads that folder alone"),
        ("check_source", {"path": "absent.py"}, "is not there"),
        ("audit_app", {"app": "absent_module:app"}, "absent_module"),
        ("scan_api", {"url": "http://192.0.2.1/"}, "was not named by the person"),
        ("scan_api", {"url": "http://127.0.0.1:1", "spec": "http://192.0.2.1/openapi.json"}, "was not named"),
        ("scan_api", {"url": "http://127.0.0.1:1", "spec": "/etc/passwd"}, "reads that folder alone"),
        ("scan_api", {"url": "http://127.0.0.1:1", "mode": "active"}, "--allow-active"),
        ("scan_api", {"url": "http://127.0.0.1:1"}, "is it running"),
    ],
)
def test_what_is_not_allowed_or_not_there_is_one_line(
    ask: Ask, tool: str, arguments: dict[str, Any], said: str
) -> None:
    failed, text = ask(tool, **arguments)
    assert failed
    assert said in text
    assert len(text.splitlines()) == 1
    assert "Traceback" not in text


@pytest.fixture
def live() -> Iterator[tuple[str, list[str]]]:
    methods: list[str] = []

    class Api(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            methods.append(self.command)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_HEAD = do_OPTIONS = do_POST = do_PUT = do_DELETE = _answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", methods
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_passive_scan_over_the_protocol_only_reads(ask: Ask, live: tuple[str, list[str]]) -> None:
    url, methods = live
    failed, text = ask("scan_api", url=url, mode="passive")
    assert not failed, text
    assert methods
    assert set(methods) <= {"GET", "HEAD", "OPTIONS"}
