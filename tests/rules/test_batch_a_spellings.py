"""More spellings of the first rules' weaknesses and of their safe twins than a page should hold.

Each text is one module of a Flask app; ``# expect:`` marks the lines that the detectors must hit, all others are safe.
"""

from pathlib import Path

import pytest

from stopper.scan.catalogue import find
from stopper.scan.engine import run_detectors
from stopper.scan.reports.patch import patched
from stopper.scan.source.read import read_source

KEYS = r"""
import hmac, os, secrets, hashlib, logging
from functools import wraps
from flask import Flask, request, jsonify, abort, current_app, g, Blueprint
from config import Settings
app = Flask(__name__)
bp = Blueprint("b", __name__)
log = logging.getLogger("x")
VALID = os.getenv("SERVICE_API_KEY", "")
class C:
    API_KEY = os.environ.get("API_KEY")

def require_api_key(view):
    @wraps(view)
    def inner(*a, **k):
        key = request.headers.get("x-api-key")
        if key and key == C.API_KEY:  # expect: api-key-compared-with-equals
            return view(*a, **k)
        return jsonify(error="no"), 401
    return inner

def check2(f):
    @wraps(f)
    def inner(*a, **k):
        provided = request.headers.get('X-API-KEY') or request.args.get('api_key')
        if provided != current_app.config.get('API_KEY'):  # expect: api-key-compared-with-equals, api-key-unset-fails-open
            abort(403)
        return f(*a, **k)
    return inner

@app.before_request
def guard():
    auth = request.headers.get("Authorization")
    if auth is None or not auth.startswith("Bearer "):
        abort(401)
    token = auth.split(" ", 1)[1]
    if token != os.environ["TOKEN"]:  # expect: api-key-compared-with-equals
        abort(401)
    if not secrets.compare_digest(token, os.environ["TOKEN"]):
        abort(401)

@app.get("/a")
def a():
    api_key = request.headers.get("X-API-Key")
    if hashlib.sha256(api_key.encode()).hexdigest() != os.environ["API_KEY_HASH"]:
        abort(401)
    return {}

@app.get("/b")
def b():
    if request.headers.get("X-Api-Key", "") != VALID:  # expect: api-key-compared-with-equals, api-key-unset-fails-open
        abort(401)
    return {}

@app.get("/b2")
def b2():
    if not VALID:
        raise RuntimeError("no key")
    if request.headers.get("X-Api-Key", "") != VALID:  # expect: api-key-compared-with-equals
        abort(401)
    return {}

@app.get("/c")
def c():
    key = request.headers.get("X-API-Key")
    match key:
        case "abc": return {}
    if request.headers.get("X-Kind") == "api-key-v2": return {}
    if request.headers.get("Authorization") == "Bearer null": return {}
    if request.args.get("token") == "latest-release": return {}
    return {}

@app.get("/d")
def d():
    user = find(request.headers.get("X-API-Key"))
    if user.api_key != request.headers.get("X-API-Key"):  # expect: api-key-compared-with-equals
        abort(401)
    if user.api_key == "": abort(401)
    return {}

def find(k): return None

@app.get("/e")
def e():
    if request.headers.get("X-API-Key") != "super-secret-key-123":  # expect: api-key-compared-with-equals
        abort(401)
    sort_key = request.args.get("sort_key")
    if sort_key == current_app.config["DEFAULT_SORT"]: pass
    if request.json["key"] == "enter-full-name": pass
    return {}

@app.get("/f")
def f():
    expected = os.environ.get("WEBHOOK_TOKEN")
    if request.headers.get("X-Webhook-Token") != expected:  # expect: api-key-compared-with-equals, api-key-unset-fails-open
        abort(401)
    return {}

@app.get("/g")
def gg():
    expected = current_app.config.get("API_TOKEN")
    given = request.headers.get("X-Api-Token")
    if expected is None:
        abort(500)
    if given == expected:  # expect: api-key-compared-with-equals
        return {}
    abort(401)

@app.get("/h")
def h():
    if request.headers.get("X-API-Key") == os.environ.get("API_KEY") and os.environ.get("API_KEY"):  # expect: api-key-compared-with-equals
        return {}
    abort(401)

@app.get("/i")
def i():
    provided = request.headers.get("X-API-Key")
    expected = os.environ.get("API_KEY")
    return {"ok": provided is not None and provided == expected}  # expect: api-key-compared-with-equals

@app.get("/j")
def j():
    provided = request.headers.get("X-API-Key")
    expected = os.environ.get("API_KEY")
    ok = bool(expected) and provided == expected  # expect: api-key-compared-with-equals
    return {"ok": ok}

@app.get("/k")
def k():
    provided = request.headers.get("X-API-Key")
    expected = os.environ.get("API_KEY")
    ok = provided == expected  # expect: api-key-compared-with-equals, api-key-unset-fails-open
    return {"ok": ok}

@app.get("/l")
def l():
    try:
        expected = os.environ["API_KEY"]
    except KeyError:
        abort(500)
    if request.headers.get("X-API-Key") != expected:  # expect: api-key-compared-with-equals
        abort(401)
    return {}

@app.get("/m")
def m():
    if not all([os.environ.get("API_KEY"), request.headers.get("X-API-Key")]):
        abort(401)
    if request.headers.get("X-API-Key") != os.environ.get("API_KEY"):  # expect: api-key-compared-with-equals
        abort(401)
    return {}

@app.get("/n")
def n():
    key = request.headers.get("X-API-Key", type=str)
    if key not in (os.environ.get("API_KEY"),):
        abort(401)
    return {}

@app.get("/o")
def o():
    if request.headers.get("X-API-Key") != Settings.api_key:  # expect: api-key-compared-with-equals
        abort(401)
    if request.headers.get("If-None-Match") == g.etag: return {}
    if request.headers.get("X-Request-Id") == os.environ.get("REQUEST_ID"): return {}
    return {}
"""

LOGS = r"""
import logging, os, sys, json
import structlog
from flask import Flask, request, current_app, session, g
app = Flask(__name__)
logger = logging.getLogger(__name__)

@app.before_request
def before():
    logger.debug("headers auth=%s", request.headers.get("Authorization"))  # expect: credential-logged
    logger.info("Authorization header: {}".format(request.headers["Authorization"]))  # expect: credential-logged
    print(f"API key: {request.headers.get('X-API-Key')}")  # expect: credential-logged
    logger.info({"token": request.headers.get("Authorization")})  # expect: credential-logged
    app.logger.warning("x", extra={"api_key": request.headers.get("X-API-Key")})  # expect: credential-logged
    logger.info("login", extra={"user": request.headers.get("X-User")})
    logger.info("has key %s", "X-API-Key" in request.headers)
    logger.info("scheme %s", request.headers.get("Authorization", "").split(" ")[0])
    logger.info("secret configured: %s", bool(app.config.get("SECRET_KEY")))
    logger.info("key", app.config["SECRET_KEY"])  # expect: credential-logged
    logger.info("token expired at %s", g.token_expiry)
    logger.info("token type %s", g.token_type)
    logger.info("csrf token %s", session["csrf_token"])
    logger.info("deleted token %s", g.token_id)
    print("password must be 8 characters")
    print("connecting with", os.environ["DB_PASSWORD"])  # expect: credential-logged
    logger.info("url %s", request.url)
    logger.info("tokens used: %s", g.usage["total_tokens"])
    logger.info("max_tokens %s", request.json.get("max_tokens"))
    logger.info("api key name %s", g.api_key_name)
    sys.stderr.write("tok " + request.headers["Authorization"])  # expect: credential-logged
    log = structlog.get_logger()
    log.info("x", token=request.headers.get("Authorization"))  # expect: credential-logged
    logger.info("pw %s", "*" * len(request.json["password"]))
    logger.info("keys: %s", list(request.json.keys()))

def create(email, password):
    logger.info("creating %s", email)
    logger.debug("with %s", password)  # expect: credential-logged

@app.post("/r")
def r():
    create(request.json["email"], request.json["password"])
    token = make_token()
    logger.info("made %s", mask_token(token))
    logger.info("made %s...", token[:6])
    logger.info("made %s", "***")
    return {}
def make_token(): return "a"
def mask_token(t): return "*"
"""

OUTBOUND = r"""
import requests, httpx, urllib.request, aiohttp
from flask import Flask, request, Response
app = Flask(__name__)
s = requests.Session()
ALLOWED = ["Accept", "Content-Type"]
@app.route("/1")
def p1():
    headers = {k: v for k, v in request.headers.items() if k.lower() != "host"}
    return requests.post("http://u", headers=headers).text  # expect: incoming-headers-forwarded
@app.route("/2")
def p2():
    h = dict(request.headers)
    h.pop("Host", None)
    return s.get("http://u", headers=h).text  # expect: incoming-headers-forwarded
@app.route("/3")
def p3():
    h = {k: request.headers[k] for k in ALLOWED if k in request.headers}
    return requests.get("http://u", headers=h).text
@app.route("/4")
def p4():
    h = {k: request.headers.get(k) for k in ALLOWED}
    return requests.get("http://u", headers=h).text
@app.route("/5")
def p5():
    h = {"Authorization": request.headers.get("Authorization"), "X": "1"}
    return requests.get("http://u", headers=h).text
@app.route("/6")
def p6():
    h = dict(request.headers)
    h.pop("Authorization", None); h.pop("Cookie", None); h.pop("X-API-Key", None)
    return requests.get("http://u", headers=h).text
@app.route("/7")
def p7():
    h = [(k, v) for k, v in request.headers if k not in ("Host", "Content-Length")]
    return httpx.get("http://u", headers=h).text  # expect: incoming-headers-forwarded
@app.route("/8")
def p8():
    return forward(request.headers)
def forward(h):
    return requests.get("http://u", headers=dict(h)).text  # expect: incoming-headers-forwarded
@app.route("/9")
def p9():
    h = {}
    for k, v in request.headers:
        h[k] = v
    return requests.get("http://u", headers=h).text  # expect: incoming-headers-forwarded
@app.route("/10")
def p10():
    req = urllib.request.Request("http://u", headers=dict(request.headers))  # expect: incoming-headers-forwarded
    return urllib.request.urlopen(req).read()
@app.route("/11")
def p11():
    ua = request.headers.get("User-Agent")
    return requests.get("http://u", headers={"User-Agent": ua}).text
@app.route("/12")
def p12():
    h = request.headers.copy() if hasattr(request.headers, "copy") else {}
    return requests.get("http://u", headers=h).text  # expect: incoming-headers-forwarded
@app.route("/13")
def p13():
    r = requests.get("http://u")
    return Response(r.content, headers={k: v for k, v in r.headers.items()})
"""

SETTINGS = r"""
import os, json, pprint
from flask import Flask, jsonify, current_app, render_template, request
app = Flask(__name__)
@app.route("/1")
def c1(): return jsonify(**os.environ)  # expect: config-dump-in-response
@app.route("/2")
def c2(): return jsonify(app.config)  # expect: config-dump-in-response
@app.route("/3")
def c3(): return str(os.environ)  # expect: config-dump-in-response
@app.route("/4")
def c4(): return "<br>".join(f"{k}={v}" for k, v in os.environ.items())  # expect: config-dump-in-response
@app.route("/5")
def c5(): return jsonify({"env": dict(os.environ), "ok": 1})  # expect: config-dump-in-response
@app.route("/6")
def c6(): return jsonify(sorted(app.config.keys()))
@app.route("/7")
def c7(): return jsonify(sorted(app.config))
@app.route("/8")
def c8(): return jsonify([k for k in app.config])
@app.route("/9")
def c9(): return jsonify(debug=app.config["DEBUG"], n=len(os.environ))
@app.route("/10")
def c10(): return json.dumps(current_app.config, default=str)  # expect: config-dump-in-response
@app.route("/11")
def c11(): return jsonify({k: v for k, v in app.config.items() if k in ("A", "B")})
@app.route("/12")
def c12(): return jsonify("X" in os.environ)
@app.route("/13")
def c13():
    cfg = current_app.config
    return {"limit": cfg["LIMIT"], "x": cfg.get("X")}
@app.route("/14")
def c14():
    env = os.environ.copy()
    return env  # expect: config-dump-in-response
@app.route("/15")
def c15():
    return render_template("x.html", config=current_app.config)
@app.route("/16")
def c16():
    out = {}
    for k, v in app.config.items():
        out[k] = str(v)
    return jsonify(out)  # expect: config-dump-in-response
"""

URLS = r"""
import jwt, os
from flask import Flask, request, abort
from functools import wraps
from flask_jwt_extended import decode_token
app = Flask(__name__)
def token_required(f):
    @wraps(f)
    def decorated(*a, **k):
        token = None
        if "Authorization" in request.headers:
            token = request.headers["Authorization"].split()[1]
        elif request.args.get("token"):
            token = request.args["token"]  # expect: bearer-token-accepted-in-url
        if not token:
            abort(401)
        jwt.decode(token, os.environ["K"], algorithms=["HS256"])
        return f(*a, **k)
    return decorated
def get_token():
    return request.headers.get("Authorization", "")[7:] or request.args.get("access_token")  # expect: bearer-token-accepted-in-url
def x():
    t = request.values["jwt"]  # expect: bearer-token-accepted-in-url
    return jwt.decode(t, "k", algorithms=["HS256"])
@app.route("/confirm/<token>")
def confirm(token): return jwt.decode(token, "k", algorithms=["HS256"])
@app.route("/verify-email")
def ver(): return jwt.decode(request.args.get("token"), "k", algorithms=["HS256"])
@app.route("/login/callback")
def cb(): return {"t": request.args.get("access_token")}
@app.route("/csrf")
def cs(): return {"t": request.form.get("csrf_token")}
@app.route("/push", methods=["POST"])
def push(): return {"t": request.form.get("device_token"), "u": request.args.get("token")}
"""

FAILURES = r"""
import traceback
from flask import Flask, jsonify, make_response, Response, abort, flash, render_template, request
from werkzeug.exceptions import BadRequest, HTTPException, NotFound
from flask_restful import Api, Resource
import jwt
app = Flask(__name__)
class AppError(Exception): pass
class ApiError(AppError):
    def __init__(self, message): self.message = message
@app.route("/1")
def e1():
    try: work()
    except Exception as e: return jsonify({"message": f"failed: {e}"}), 500  # expect: exception-text-in-response
@app.route("/2")
def e2():
    try: work()
    except BadRequest as e: return jsonify({"message": str(e)}), 400
    except ApiError as e: return jsonify({"message": e.message}), 400
@app.errorhandler(500)
def e500(e): return jsonify(error=str(e)), 500
@app.errorhandler(ApiError)
def eapi(e): return jsonify(error=e.message), 400
@app.errorhandler(ValueError)
def evalue(e): return jsonify(error=str(e)), 400  # expect: exception-text-in-response
@app.route("/3")
def e3():
    try: work()
    except (KeyError, TypeError) as err: return {"error": "missing " + str(err)}, 400  # expect: exception-text-in-response
@app.route("/4")
def e4():
    try: work()
    except Exception as e:
        app.logger.error(e)
        abort(500)
@app.route("/5")
def e5():
    try: work()
    except Exception as e:
        return Response(str(e), status=500)  # expect: exception-text-in-response
class R(Resource):
    def get(self):
        try: work()
        except Exception as e: return {"message": str(e)}, 500  # expect: exception-text-in-response
Api(app).add_resource(R, "/r")
@app.route("/6")
def e6():
    try: work()
    except Exception as e:
        return error_response(str(e), 500)
def error_response(message, code):
    return jsonify({"error": message}), code  # expect: exception-text-in-response
@app.route("/7")
def e7():
    try: work()
    except jwt.ExpiredSignatureError as e: return jsonify(error="expired"), 401
    except jwt.InvalidTokenError as e: return jsonify(error=str(e)), 401  # expect: exception-text-in-response
@app.route("/8")
def e8():
    try: work()
    except Exception as e:
        if isinstance(e, HTTPException): return jsonify(error=e.description), e.code
        return jsonify(error="internal"), 500
@app.route("/9")
def e9():
    try: work()
    except Exception as e: return render_template("error.html", error=str(e))  # expect: exception-text-in-response
@app.route("/10")
def e10():
    try: work()
    except Exception as e:
        result = {"ok": False}
        result["error"] = str(e)
        return jsonify(result)  # expect: exception-text-in-response
def work(): return 1
@app.errorhandler(Exception)
def on_any(e):
    code = 500
    if isinstance(e, HTTPException): code = e.code
    return jsonify(error=str(e)), code  # expect: exception-text-in-response
"""

SECRETS = r"""
import os
from flask import Flask
def create():
    app = Flask(__name__, instance_relative_config=True)
    app.config.from_mapping(SECRET_KEY="dev", DB="x")  # expect: secret-key-hardcoded
    app.config["SECRET_KEY"] = os.getenv("SECRET_KEY", "dev")
    app.config.update({"SECRET_KEY": "abc"})  # expect: secret-key-hardcoded
    app.config.setdefault("SECRET_KEY", "abc")  # expect: secret-key-hardcoded
    app.config.update(dict(SECRET_KEY="abc2"))  # expect: secret-key-hardcoded
    app.config["WTF_CSRF_SECRET_KEY"] = "x"
    app.config["SECRET_KEY"] = os.urandom(24)
    setattr(app, "secret_key", "z")  # expect: secret-key-hardcoded
    app.secret_key = "a" + "b"  # expect: secret-key-hardcoded
    app.config["SECRET_KEY"] = "x".encode()  # expect: secret-key-hardcoded
    return app
class Base:
    SECRET_KEY = "base-key"  # expect: secret-key-hardcoded
class ProductionConfig(Base):
    SECRET_KEY = os.environ["SECRET_KEY"]
class TestingConfig(Base):
    SECRET_KEY = "testing"
class DevelopmentConfig(Base):
    SECRET_KEY = "dev"  # nobody loads it
class Unrelated:
    secret_key = "column"
if __name__ == "__main__":
    app = create()
    app.config.from_object(Base)
    app.run(debug=True if os.environ.get("D") else False)
    app.run(debug=bool(int(os.environ.get("FLASK_DEBUG", 0))))
    app.run("0.0.0.0", debug = True)  # expect: debug-enabled
    app.run(debug=1)  # expect: debug-enabled
"""

CLASSES = r"""
import os, logging
from flask import Flask, request, jsonify, Blueprint, current_app, g
from flask.views import MethodView
from flask_restful import Resource, Api, reqparse
app = Flask(__name__)
api = Api(app)
log = logging.getLogger()
class Keyed:
    def __init__(self):
        self.api_key = os.environ.get("API_KEY")
    def ok(self):
        return request.headers.get("X-API-Key") == self.api_key  # expect: api-key-compared-with-equals, api-key-unset-fails-open
class V(MethodView):
    def get(self):
        if request.headers.get("X-API-KEY") != current_app.config["API_KEY"]:  # expect: api-key-compared-with-equals
            return {}, 401
        return {}
class R(Resource):
    def get(self):
        p = reqparse.RequestParser()
        p.add_argument("token", location="args")
        a = p.parse_args()
        try:
            return {"a": a["token"]}
        except Exception as e:
            return {"error": str(e)}, 500  # expect: exception-text-in-response
        finally:
            log.info("done")
api.add_resource(R, "/r")
app.add_url_rule("/v", view_func=V.as_view("v"))
async def av():
    try:
        return {}
    except Exception as exc:
        return jsonify({"detail": exc.__str__()}), 500  # expect: exception-text-in-response
app.add_url_rule("/av", view_func=av)
@app.get("/s")
def s():
    key = request.headers.get("X-API-Key", default="")
    valid = os.environ.get("KEYS", "").split(",")
    if key not in valid: return {}, 401  # expect: api-key-unset-fails-open
    if str(request.headers.get("X-API-Key")) == str(os.environ.get("API_KEY")):  # expect: api-key-compared-with-equals, api-key-unset-fails-open
        return {}
    return {}
@app.get("/t")
def t():
    api_key = request.headers.get("X-API-Key")
    log.info("Request from %s with API key: %s", request.remote_addr, api_key)  # expect: credential-logged
    log.info(f"key={api_key!r}")  # expect: credential-logged
    log.info(f"key={api_key[:4]}...{api_key[-4:]}")
    log.info("auth failed for key ending %s", api_key[-4:])
    log.exception("bad key")
    return {}
@app.get("/u")
def u():
    token = request.cookies.get("access_token")
    log.debug("cookie token: " + token)  # expect: credential-logged
    log.debug(request.headers.get("Cookie"))
    return {}
@app.errorhandler(Exception)
def handle(e):
    return jsonify(type=type(e).__name__, msg=str(e)), getattr(e, "code", 500)  # expect: exception-text-in-response
"""


@pytest.mark.parametrize(
    ("slug", "text"),
    [
        ("api-key-compared-with-equals", KEYS),
        ("api-key-unset-fails-open", KEYS),
        ("credential-logged", LOGS),
        ("incoming-headers-forwarded", OUTBOUND),
        ("config-dump-in-response", SETTINGS),
        ("bearer-token-accepted-in-url", URLS),
        ("exception-text-in-response", FAILURES),
        ("secret-key-hardcoded", SECRETS),
        ("debug-enabled", SECRETS),
        ("api-key-compared-with-equals", CLASSES),
        ("api-key-unset-fails-open", CLASSES),
        ("credential-logged", CLASSES),
        ("exception-text-in-response", CLASSES),
    ],
)
def test_every_spelling_is_told_from_its_twin(slug: str, text: str, tmp_path: Path) -> None:
    """The detector hits the marked lines and no others."""
    (tmp_path / "app.py").write_text(text, encoding="utf-8")
    rule = find(slug)
    assert rule is not None
    (result,) = run_detectors(read_source((tmp_path,), tmp_path).app, [rule])
    assert not result.error
    marked = {
        number
        for number, line in enumerate(text.splitlines(), 1)
        if slug in line.partition("# expect: ")[2].split(", ")
    }
    assert {hit.span.line for hit in result.hits if hit.span is not None} == marked


@pytest.mark.parametrize(
    ("shown", "wanted", "text"),
    [
        ('request.headers["X-API-Key"]', "K", 'hmac.compare_digest(request.headers["X-API-Key"].encode(), K.encode())'),
        (
            'request.headers.get("X-API-Key", "")',
            'f"stp_{K}"',
            'hmac.compare_digest(request.headers.get("X-API-Key", "").encode(), f"stp_{K}".encode())',
        ),
        ('request.headers.get("X-API-Key")', "K", None),
        ('request.headers["X-API-Key"]', 'os.environ.get("API_KEY")', None),
        ('request.json["api_key"]', "K", None),
    ],
)
def test_the_fix_is_offered_where_both_sides_are_surely_texts(
    shown: str, wanted: str, text: str | None, tmp_path: Path
) -> None:
    """Where one side may be None or a number, ``encode()`` would raise: somebody has to look at it."""
    code = f"""
import os
from flask import Flask, abort, request
app = Flask(__name__)
K = os.environ["API_KEY"]
@app.before_request
def check():
    if not {shown} == {wanted}:
        abort(401)
"""
    (tmp_path / "app.py").write_text(code, encoding="utf-8")
    app = read_source((tmp_path,), tmp_path).app
    rule = find("api-key-compared-with-equals")
    assert rule is not None
    assert rule.fix is not None
    (hit,) = run_detectors(app, [rule])[0].hits
    edit = rule.fix(app, hit)
    assert (edit is not None) is (text is not None)
    if edit is not None:
        assert edit.safe
        assert patched(code, [edit]) == f"import hmac\n{code}".replace(f"{shown} == {wanted}", text or "").replace(
            "import hmac\n\nimport os", "\nimport hmac\nimport os"
        )
