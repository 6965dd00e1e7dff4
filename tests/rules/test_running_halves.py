"""Rules judged on libraries that no test installs: stand-ins that hold what the real ones hold, under the same names."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView
from flask_wtf import CSRFProtect  # type: ignore[import-untyped]
from werkzeug.middleware.proxy_fix import ProxyFix

from stopper.core.app import App
from stopper.core.rule import Hit, Rule
from stopper.rules.flask_jwt_extended.jwt_blocklist_loader_missing import RULE as BLOCKLIST
from stopper.rules.headers.security_headers_disabled import RULE as HEADERS
from stopper.rules.rate.rate_limit_exempts_login import RULE as EXEMPT
from stopper.rules.rate.rate_limit_key_spoofable import RULE as KEY
from stopper.rules.rate.rate_limit_per_process import RULE as PER_PROCESS
from stopper.rules.session.csrf_protection_disabled import RULE as CSRF
from stopper.rules.session.session_pickled_or_unsigned import RULE as PICKLED
from stopper.rules.transport.proxy_trust_misconfigured import RULE as PROXY
from stopper.scan.correlate import correlate
from stopper.scan.engine import run_detectors
from stopper.scan.merge import merged
from stopper.scan.running.read import read_running
from stopper.scan.source.read import read_source

HERE = Path(__file__).parent


def of(module: str, name: str, **held: object) -> Any:
    """An object of a class *name* of *module* that holds *held*."""
    made: Any = type(name, (), {"__module__": module, "__qualname__": name})()
    made.__dict__.update(held)
    return made


def told(rule: Rule, app: Flask) -> tuple[Hit, ...]:
    (result,) = run_detectors(read_running(app, HERE), [rule])
    assert not result.error
    assert all(hit.reader == "running" for hit in result.hits)
    return result.hits


def by_address() -> str:
    return ""


def limiter(store: str = "redis.RedisStorage", **held: object) -> Any:
    module, _, name = f"limits.storage.{store}".rpartition(".")
    known = {
        "enabled": True,
        "_storage": of(module, name),
        "_key_func": by_address,
        "_route_exemptions": {},
        "_blueprint_exemptions": {},
        "limit_manager": of("flask_limiter._manager", "LimitManager", _decorated_limits={}),
    }
    return of("flask_limiter._extension", "Limiter", **{**known, **held})


def shop(*limiters: object) -> Flask:
    app = Flask("shop")
    app.extensions["limiter"] = set(limiters)
    blue = Blueprint("auth", __name__)

    @app.post("/login")
    def login() -> str:
        return ""

    @app.get("/news")
    def news() -> str:
        return ""

    @blue.post("/token")
    def token() -> str:
        return ""

    app.register_blueprint(blue)
    return app


def named(app: Flask, endpoint: str) -> str:
    view: Any = app.view_functions[endpoint]
    return f"{view.__module__}.{view.__name__}.{view.__qualname__}"


def test_a_limiter_that_counts_in_memory_is_told_by_its_store() -> None:
    assert len(told(PER_PROCESS, shop(limiter("memory.MemoryStorage")))) == 1
    assert not told(PER_PROCESS, shop(limiter()))
    assert not told(PER_PROCESS, shop(limiter("memory.MemoryStorage", enabled=False)))


def test_exempt_log_ins_are_told_by_name_and_by_blueprint() -> None:
    """A route with a limit of its own is limited all the same, and news let nobody in."""
    app = shop()
    every = {named(app, endpoint): 1 for endpoint in ("login", "news")}
    app.extensions["limiter"] = {limiter(_route_exemptions=every, _blueprint_exemptions={"auth": 1})}
    assert [hit.route.path for hit in told(EXEMPT, app) if hit.route] == ["/login", "/token"]
    manager = of("flask_limiter._manager", "LimitManager", _decorated_limits={named(app, "login"): []})
    app.extensions["limiter"] = {limiter(_route_exemptions=every, limit_manager=manager)}
    assert not told(EXEMPT, app)


def keys() -> Iterator[Any]:
    from flask import request

    yield pytest.param(lambda: request.headers["X-Forwarded-For"], True, id="a header")
    yield pytest.param(lambda: request.environ.get("HTTP_X_REAL_IP"), True, id="the environment")
    yield pytest.param(lambda: request.access_route[0], True, id="access_route")
    yield pytest.param(lambda: request.remote_addr, False, id="the connection")
    yield pytest.param(lambda: verified(request.headers["Authorization"]), False, id="who was verified")
    yield pytest.param(lambda: "x-forwarded-for", False, id="a word and no header")
    yield pytest.param(of("shop.keys", "Key"), False, id="an object that nobody calls")


def verified(token: str) -> str:
    return token


@pytest.mark.parametrize(("key", "spoofable"), list(keys()))
def test_a_key_is_judged_by_its_code_and_never_called(key: Any, spoofable: bool) -> None:
    assert bool(told(KEY, shop(limiter(_key_func=key)))) is spoofable


def test_the_key_of_one_route_counts_too() -> None:
    """``@limiter.limit(…, key_func=…)`` hangs on the limit and not on the limiter."""
    from flask import request

    limit = of("flask_limiter._limits", "RouteLimit", key_function=lambda: request.headers.get("X-Real-IP"))
    manager = of("flask_limiter._manager", "LimitManager", _decorated_limits={"shop.login": [limit]})
    assert len(told(KEY, shop(limiter(limit_manager=manager)))) == 1


@pytest.mark.parametrize(
    ("options", "off"),
    [
        ({"frame_options": None, "content_security_policy": {}}, "content_security_policy, frame_options"),
        ({"strict_transport_security": False}, "strict_transport_security"),
        ({"content_security_policy": {"default-src": "'self'"}, "referrer_policy": "no-referrer"}, ""),
        ({}, ""),
    ],
)
def test_options_of_talisman_that_are_off_are_told(options: dict[str, object], off: str) -> None:
    class Talisman:
        def _set_response_headers(self, response: Any) -> Any:
            return response

    Talisman.__module__, Talisman.__qualname__ = "flask_talisman.talisman", "Talisman"
    app, library = Flask("shop"), Talisman()
    library.__dict__.update(options)
    app.after_request(library._set_response_headers)
    assert [hit.message for hit in told(HEADERS, app)] == ([f"Talisman is installed with {off} off"] if off else [])


def test_sessions_that_are_pickled_are_told_by_interface_serializer_and_store() -> None:
    """A signed cookie and JSON in Redis are not."""
    app = Flask("shop")
    assert not told(PICKLED, app)
    redis = {"client": of("redis.client", "Redis"), "serializer": of("flask_session.base", "MsgSpecSerializer")}
    app.session_interface = of("flask_session.redis.redis", "RedisSessionInterface", **redis)
    assert not told(PICKLED, app)
    app.session_interface = of("flask_session.sessions", "RedisSessionInterface", serializer=ModuleType("pickle"))
    assert [hit.message for hit in told(PICKLED, app)] == ["sessions are kept as pickles"]
    files = of("cachelib.file", "FileSystemCache")
    app.session_interface = of("flask_session.cachelib.cachelib", "CacheLibSessionInterface", cache=files)
    assert [hit.message for hit in told(PICKLED, app)] == ["sessions are kept in files as pickles"]
    app.session_interface = of("shop.sessions", "Mine", cache=files)
    assert not told(PICKLED, app)


def test_an_exempt_webhook_a_reading_view_and_a_view_of_a_class_are_told_apart() -> None:
    app = Flask("shop")
    csrf = CSRFProtect(app)

    class Transfer(MethodView):
        def post(self) -> str:
            return ""

    for path, methods in (("/webhooks/pay", ["POST"]), ("/news", ["GET"]), ("/sign/<access_token>", ["POST"])):
        app.add_url_rule(path, path, exec_view(path), methods=methods)
        csrf.exempt(app.view_functions[path])
    app.add_url_rule("/transfer", view_func=csrf.exempt(Transfer.as_view("transfer")))
    assert [hit.route.path for hit in told(CSRF, app) if hit.route] == ["/transfer"]
    app.config["WTF_CSRF_ENABLED"] = False
    assert [hit.message for hit in told(CSRF, app)] == ["WTF_CSRF_ENABLED is off"]


def test_a_route_behind_a_policy_without_a_session_needs_no_form_token() -> None:
    """Stopper ignores a cookie that the policy does not name."""
    app = Flask("shop")
    csrf = CSRFProtect(app)
    for path, policy in (("/api", "bearer & scope('pay')"), ("/pay", "browser_session | bearer"), ("/free", "public")):
        view = exec_view(path)
        view.__stopper_policy__ = policy
        app.add_url_rule(path, path, csrf.exempt(view), methods=["POST"])
    assert [hit.route.path for hit in told(CSRF, app) if hit.route] == ["/pay", "/free"]


def exec_view(path: str) -> Any:
    def view(**_: str) -> str:
        return path

    view.__name__ = path
    return view


@pytest.mark.parametrize(("hops", "found"), [(1, 0), (2, 0), (3, 1)])
def test_more_hops_than_are_usual_are_told(hops: int, found: int) -> None:
    app = Flask("shop")
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops)  # type: ignore[method-assign]
    assert len(told(PROXY, app)) == found


JOINED = {
    BLOCKLIST: """from flask import Flask
from flask_jwt_extended import JWTManager, jwt_required

app = Flask(__name__)
jwt = JWTManager(app)


@app.post("/logout")
@jwt_required()
def logout():
    return {}
""",
    CSRF: """from flask import Flask, session
from flask_wtf import CSRFProtect

app = Flask(__name__)
csrf = CSRFProtect(app)


@csrf.exempt
@app.post("/transfer")
def transfer():
    session["sent"] = 1
    return {}
""",
    PROXY: """from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=5)
""",
}


LOOP = """from flask import Flask
from flask_wtf import CSRFProtect

app = Flask(__name__)
csrf = CSRFProtect(app)


@app.post("/pay")
def pay():
    return {}


@app.post("/address")
def address():
    return {}


for view in list(app.view_functions.values()):
    csrf.exempt(view)
"""


def test_many_views_that_one_loop_exempts_are_one_finding(tmp_path: Path) -> None:
    model = joined(LOOP, tmp_path)
    (finding,) = correlate(model, run_detectors(model, [CSRF]), ())
    assert {place.route.path for place in finding.places if place.route} == {"/pay", "/address"}


def joined(text: str, folder: Path) -> App:
    """What both readers know of the application that *text* makes."""
    file = folder / "app.py"
    file.write_text(text, encoding="utf-8")
    scope: dict[str, Any] = {"__name__": "app", "__file__": str(file)}
    exec(compile(text, str(file), "exec"), scope)
    return merged(read_running(scope["app"], folder), read_source((file,), folder).app)


@pytest.mark.parametrize("rule", list(JOINED), ids=lambda rule: rule.slug)
def test_what_source_and_running_application_both_see_is_one_finding(rule: Rule, tmp_path: Path) -> None:
    model = joined(JOINED[rule], tmp_path)
    (finding,) = correlate(model, run_detectors(model, [rule]), ())
    assert finding.places[0].span is not None
