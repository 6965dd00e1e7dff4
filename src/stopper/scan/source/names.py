"""Names that libraries use for the same thing, as data. One line here is what a rule would otherwise have to know."""

import re
from typing import Final

DRAWN: Final = ("otp", "pin", "code", "nonce", "sid", "session_id", "invitation", "invite")
"""Ends of local names whose value is a fact where it was made: what is drawn for them must not be guessed."""
INSTANCES: Final[dict[str, str]] = {
    "logging.getLogger": "logging.Logger",
    "structlog.get_logger": "logging.Logger",
    "structlog.getLogger": "logging.Logger",
    "flask.logging.create_logger": "logging.Logger",
    "flask.Flask.logger": "logging.Logger",
    "loguru.logger": "logging.Logger",
    "logbook.Logger": "logging.Logger",
    "rich.console.Console": "rich.console.Console",
    "requests.session": "requests.Session",
    "numpy.random.default_rng": "numpy.random.Generator",
    "environ.FileAwareEnv": "environ.Env",
    "sqlite3.connect": "sqlite3.Connection",
    "psycopg2.connect": "psycopg2.Connection",
    "hmac.new": "hmac.HMAC",
    "hashlib.new": "hashlib.HASH",
    "pyotp.TOTP": "pyotp.TOTP",
    "pyotp.HOTP": "pyotp.HOTP",
    "pyotp.totp.TOTP": "pyotp.TOTP",
    "pyotp.hotp.HOTP": "pyotp.HOTP",
    "smtplib.SMTP": "smtplib.SMTP",
    "smtplib.SMTP_SSL": "smtplib.SMTP_SSL",
    "flask.current_app": "flask.Flask",
    "flask.current_app.logger": "logging.Logger",
    "flask.current_app._get_current_object": "flask.Flask",
    "connexion.App.app": "flask.Flask",
    "connexion.FlaskApp.app": "flask.Flask",
    "flask.Flask.test_client": "flask.testing.FlaskClient",
    "flask.Flask.session_interface": "flask.sessions.SessionInterface",
    "apiflask.APIFlask": "flask.Flask",
    "flask_api.FlaskAPI": "flask.Flask",
    "flask_api.app.FlaskAPI": "flask.Flask",
    "quart.Quart": "flask.Flask",
    "apiflask.APIBlueprint": "flask.Blueprint",
    "flask_smorest.Blueprint": "flask.Blueprint",
    "flask_openapi3.OpenAPI": "flask.Flask",
    "flask_openapi3.APIBlueprint": "flask.Blueprint",
    "flask_openapi3.APIView": "flask.Blueprint",
    "flask_restx.namespace.Namespace": "flask_restx.Namespace",
    "flask_restx.Api.namespace": "flask_restx.Namespace",
    "flask_restplus.Api.namespace": "flask_restplus.Namespace",
    "jwcrypto.jws.JWS": "jwcrypto.jws.JWS",
    "jwcrypto.jwt.JWT": "jwcrypto.jwt.JWT",
    "flask_rebar.Rebar": "flask_rebar.Rebar",
    "cloudscraper.create_scraper": "requests.Session",
    "requests_html.HTMLSession": "requests.Session",
    "selenium.webdriver.Chrome": "selenium.webdriver.Chrome",
    "selenium.webdriver.Firefox": "selenium.webdriver.Chrome",
    "selenium.webdriver.Remote": "selenium.webdriver.Chrome",
    "httplib2.Http": "httplib2.Http",
    "yt_dlp.YoutubeDL": "yt_dlp.YoutubeDL",
    "paramiko.SSHClient": "paramiko.SSHClient",
    "fabric.Connection": "fabric.Connection",
    "invoke.Context": "invoke.Context",
    "code.InteractiveConsole": "code.InteractiveConsole",
    "code.InteractiveInterpreter": "code.InteractiveInterpreter",
    "pandas.DataFrame": "pandas.DataFrame",
    "pandas.read_csv": "pandas.DataFrame",
    "docker.from_env": "docker.DockerClient",
    "docker.DockerClient": "docker.DockerClient",
    "flask_jsonrpc.JSONRPC": "flask_jsonrpc.JSONRPC",
    "flask_jsonrpc.JSONRPCBlueprint": "flask_jsonrpc.JSONRPCBlueprint",
    "flask_restx.Api.parser": "flask_restx.reqparse.RequestParser",
    "flask_restx.Namespace.parser": "flask_restx.reqparse.RequestParser",
    "flask_restplus.Api.parser": "flask_restplus.reqparse.RequestParser",
    "flask_restplus.Namespace.parser": "flask_restplus.reqparse.RequestParser",
}
"""What a call (or an attribute) gives an instance of, where the name does not say it; and classes that stand for another."""

FACES: Final = "stopper.compat."
"""What follows is the name of the library whose face it is: the names below it mean the same, and rules ask whose they are."""

FLASK_HOMES: Final = re.compile(
    r"flask\.(?:globals|helpers|templating|app|blueprints|wrappers|sessions|ctx|sansio\.app|sansio\.blueprints|json)\."
    r"(?=(?:request|session|g|current_app|jsonify|make_response|redirect|abort|url_for|flash|render_template|render_template_string"
    r"|stream_template|stream_template_string|send_file|send_from_directory|Flask|Blueprint|Request|Response|after_this_request"
    r"|has_request_context)\b)"
)
MOVED: Final[dict[str, str]] = {
    "connexion.App.run": "flask.Flask.run",
    "connexion.request": "flask.request",
    "flask_restful.request": "flask.request",
    "flask_restful.current_app": "flask.current_app",
    "flask_restful.reqparse.request": "flask.request",
    "flask_restplus.reqparse.request": "flask.request",
    "flask_restx.reqparse.request": "flask.request",
    "flask_login.utils.request": "flask.request",
    "flask_api.request": "flask.request",
    "sqlmodel.text": "sqlalchemy.text",
    "sqlalchemy.sql.expression.text": "sqlalchemy.text",
    "flask_sqlalchemy.SQLAlchemy.text": "sqlalchemy.text",
    "flask_sqlalchemy.SQLAlchemy.literal_column": "sqlalchemy.literal_column",
    "connexion.App.route": "flask.Flask.route",
    "connexion.FlaskApp.route": "flask.Flask.route",
    "connexion.App.add_url_rule": "flask.Flask.add_url_rule",
    "connexion.FlaskApp.add_url_rule": "flask.Flask.add_url_rule",
    "flask_rebar.Rebar.validated_body": "flask.request.json",
    "flask_rebar.Rebar.validated_args": "flask.request.args",
    "flask_rebar.Rebar.validated_headers": "flask.request.headers",
    "flask_rebar.get_validated_body": "flask.request.get_json",
    "flask_rebar.get_validated_args": "flask.request.get_json",
    "connexion.FlaskApp.run": "flask.Flask.run",
    "connexion.apps.flask_app.FlaskApp": "connexion.FlaskApp",
    "connexion.apps.flask.FlaskApp": "connexion.FlaskApp",
    "jwt.api_jwt.decode": "jwt.decode",
    "jwt.api_jwt.encode": "jwt.encode",
    "jwt.api_jwt.PyJWT": "jwt.PyJWT",
    "jwt.PyJWT.decode": "jwt.decode",
    "jwt.PyJWT.encode": "jwt.encode",
    "jwt.PyJWT.decode_complete": "jwt.decode_complete",
    "werkzeug.exceptions.abort": "flask.abort",
    "werkzeug.utils.redirect": "flask.redirect",
    "werkzeug.wrappers.Response": "flask.Response",
    "markupsafe.Markup": "markupsafe.Markup",
    "flask.Markup": "markupsafe.Markup",
    "flask.escape": "markupsafe.escape",
    "jinja2.Markup": "markupsafe.Markup",
    "jinja2.escape": "markupsafe.escape",
    "werkzeug.exceptions.HTTPException": "werkzeug.exceptions.HTTPException",
    "flask_jwt_extended.view_decorators.jwt_required": "flask_jwt_extended.jwt_required",
    "flask_jwt_extended.view_decorators.verify_jwt_in_request": "flask_jwt_extended.verify_jwt_in_request",
    "flask_login.utils.login_required": "flask_login.login_required",
    "flask_login.utils.current_user": "flask_login.current_user",
}

STARS: Final[dict[str, str]] = {
    "flask": "Flask Blueprint Request Response request session g current_app jsonify make_response redirect abort url_for flash"
    " render_template render_template_string send_file send_from_directory stream_with_context after_this_request Markup escape",
    "flask_restful": "Api Resource reqparse abort fields marshal marshal_with",
    "flask_restx": "Api Resource Namespace reqparse abort fields marshal marshal_with",
    "flask_login": "LoginManager UserMixin login_required login_user logout_user current_user fresh_login_required",
    "flask_jwt_extended": "JWTManager jwt_required create_access_token create_refresh_token get_jwt get_jwt_identity verify_jwt_in_request"
    " current_user set_access_cookies set_refresh_cookies unset_jwt_cookies decode_token",
    "werkzeug.security": "generate_password_hash check_password_hash",
}
"""What ``from … import *`` brings of a library."""

APP_NAMES: Final = frozenset({"app", "application", "flask_app", "current_app"})
BLUEPRINT_NAMES: Final = frozenset({"bp", "blueprint"})
LOGGER_NAME: Final = re.compile(r"(?:.*_)?(?:log|logger|logging|LOG|LOGGER)$")
LOG_METHODS: Final = frozenset(
    {
        "debug",
        "info",
        "warning",
        "warn",
        "error",
        "exception",
        "critical",
        "log",
        "fatal",
        "trace",
        "bind",
        "contextualize",
    }
)

ROUTE_METHODS: Final = frozenset({"route", "get", "post", "put", "patch", "delete", "websocket", "resource"})
APPS: Final = frozenset({"flask.Flask"})
BLUEPRINTS: Final = frozenset({"flask.Blueprint"})
API_OBJECTS: Final = frozenset(
    {
        "flask_restful.Api",
        "flask_restx.Api",
        "flask_restplus.Api",
        "flask_restx.Namespace",
        "flask_restplus.Namespace",
        "flask_smorest.Api",
    }
)

INHERITED: Final[dict[str, str]] = {
    "flask.Request": "flask.request",
    "flask.wrappers.Request": "flask.request",
    "werkzeug.wrappers.Request": "flask.request",
    "requests.Session": "requests.Session",
    "requests.sessions.Session": "requests.Session",
    "httpx.Client": "httpx.Client",
    "httpx.AsyncClient": "httpx.AsyncClient",
    "logging.Logger": "logging.Logger",
    "logging.LoggerAdapter": "logging.Logger",
}
"""Classes of libraries that programs derive their own from, and the name under which rules know what such an object has of them."""

ATTRIBUTE_SETTINGS: Final[dict[str, str]] = {
    "secret_key": "SECRET_KEY",
    "debug": "DEBUG",
    "testing": "TESTING",
    "permanent_session_lifetime": "PERMANENT_SESSION_LIFETIME",
    "session_cookie_name": "SESSION_COOKIE_NAME",
    "use_x_sendfile": "USE_X_SENDFILE",
    "propagate_exceptions": "PROPAGATE_EXCEPTIONS",
}

OUTBOUND: Final = re.compile(
    r"(?:requests|httpx)(?:\.(?:sessions\.Session|api|session|Session|Client|AsyncClient))?\.(?:get|post|put|patch|delete|head|options|request|stream)"
    r"|urllib\.request\.(?:urlopen|Request)|urllib3(?:\.(?:PoolManager|ProxyManager|HTTPS?ConnectionPool))?\.request"
    r"|aiohttp(?:\.ClientSession)?\.(?:get|post|put|patch|delete|head|options|request)"
    r"|requests\.(?:models\.)?Request|httpx\.Request|httpx\.(?:Async)?Client\.build_request|http\.client\.HTTPS?Connection\.request"
    r"|httpx\.(?:Async)?Client|aiohttp\.ClientSession"
)
OUTBOUND_BY_METHOD: Final = frozenset({"request", "stream", "build_request", "Request"})
"""Of these the first argument is the method and the second the address; ``urllib.request.Request`` alone begins with the address."""
OUTBOUND_CLIENTS: Final = frozenset({"Client", "AsyncClient", "ClientSession"})
"""What makes a client, which keeps headers and parameters for all that it sends."""

DUMPS_INTO: Final = frozenset({"json.dump", "yaml.dump", "yaml.safe_dump", "ujson.dump", "simplejson.dump"})
"""What writes its first argument into the stream that is its second."""

Sink = tuple[str, int | None, tuple[str, ...]]
_OF_ABORT: Final = (
    "message", "error", "errors", "description", "detail", "details", "reason", "cause", "info", "data", "msg", "exception",
)  # fmt: skip
"""What people call the members of the answer that ``abort`` of Flask-RESTful and Flask-RESTX makes of its keywords."""
SINKS: Final[dict[str, tuple[Sink, ...]]] = {
    "print": (("print", -1, ()),),
    "pprint.pprint": (("print", -1, ()),),
    "icecream.ic": (("print", -1, ()),),
    "rich.print": (("print", -1, ()),),
    "rich.console.Console.log": (("print", -1, ()),),
    "rich.console.Console.print": (("print", -1, ()),),
    "syslog.syslog": (("log", -1, ()),),
    "eliot.log_message": (("log", -2, ()),),
    "eliot.start_action": (("log", -2, ()),),
    "structlog.contextvars.bind_contextvars": (("log", -2, ()),),
    "structlog.threadlocal.bind_threadlocal": (("log", -2, ()),),
    "requests.Session.headers.update": (("outbound-headers", 0, ()),),
    "httpx.Client.headers.update": (("outbound-headers", 0, ()),),
    "httpx.AsyncClient.headers.update": (("outbound-headers", 0, ()),),
    "urllib.request.Request.add_header": (("outbound-headers", -1, ()),),
    "urllib.request.Request.add_unredirected_header": (("outbound-headers", -1, ()),),
    "warnings.warn": (("log", 0, ("message",)),),
    "sys.stdout.write": (("print", 0, ()),),
    "sys.stderr.write": (("print", 0, ()),),
    "flask.jsonify": (("response", -1, ()),),
    "flask.make_response": (("response", -1, ()),),
    "flask.Flask.response_class": (("response", 0, ("response",)),),
    "flask.Response": (("response", 0, ("response",)), ("response-header", 2, ("headers",))),
    "flask.abort": (("response", 1, ("description", "response", "message")),),
    "flask.flash": (("response", 0, ("message",)),),
    "flask_restful.abort": (("response", None, _OF_ABORT),),
    "flask_restx.abort": (("response", 1, _OF_ABORT),),
    "flask_restx.Namespace.abort": (("response", 1, _OF_ABORT),),
    "flask_restx.Api.abort": (("response", 1, _OF_ABORT),),
    "flask_smorest.abort": (("response", None, ("message", "errors")),),
    "apiflask.abort": (("response", 1, ("message", "detail", "extra_data")),),
    "apiflask.HTTPError": (("response", 1, ("message", "detail", "extra_data")),),
    "apiflask.exceptions.HTTPError": (("response", 1, ("message", "detail", "extra_data")),),
    "flask.redirect": (("redirect", 0, ("location",)),),
    "flask.url_for": (("url", -2, ()),),
    "flask.render_template": (("template", -2, ()),),
    "flask.render_template_string": (("code", 0, ("source",)), ("template", -2, ())),
    "jinja2.Template": (("code", 0, ("source",)),),
    "jinja2.Environment.from_string": (("code", 0, ("source",)),),
    "flask.current_app.jinja_env.from_string": (("code", 0, ("source",)),),
    "flask.Flask.jinja_env.from_string": (("code", 0, ("source",)),),
    "markupsafe.Markup": (("html", 0, ()),),
    "eval": (("code", 0, ()),),
    "exec": (("code", 0, ()),),
    "compile": (("code", 0, ()),),
    "open": (("file-path", 0, ("file",)),),
    **{
        f"flask.{owner}.{name}": (("file-path", 0, ("resource",)),)
        for owner in ("Flask", "Blueprint")
        for name in ("open_resource", "open_instance_resource")
    },
    "flask.send_file": (("file-path", 0, ("path_or_file", "filename_or_fp")),),
    "os.remove": (("file-path", 0, ()),),
    "os.unlink": (("file-path", 0, ()),),
    "os.system": (("subprocess", 0, ()),),
    "os.popen": (("subprocess", 0, ()),),
    "subprocess.run": (("subprocess", 0, ("args",)),),
    "subprocess.call": (("subprocess", 0, ("args",)),),
    "subprocess.Popen": (("subprocess", 0, ("args",)),),
    "subprocess.check_call": (("subprocess", 0, ("args",)),),
    "subprocess.check_output": (("subprocess", 0, ("args",)),),
    "subprocess.getoutput": (("subprocess", 0, ("cmd",)),),
    "pickle.loads": (("deserialisation", 0, ()),),
    "pickle.load": (("deserialisation", 0, ()),),
    "dill.loads": (("deserialisation", 0, ()),),
    "cloudpickle.loads": (("deserialisation", 0, ()),),
    "marshal.loads": (("deserialisation", 0, ()),),
    "jsonpickle.decode": (("deserialisation", 0, ()),),
    "yaml.load": (("deserialisation", 0, ("stream",)),),
    "yaml.unsafe_load": (("deserialisation", 0, ()),),
    "jwt.encode": (("claims", 0, ("payload",)),),
    "jose.jwt.encode": (("claims", 0, ("claims",)),),
    "authlib.jose.jwt.encode": (("claims", 1, ("payload",)),),
    "joserfc.jwt.encode": (("claims", 1, ("claims",)),),
    "flask_jwt_extended.create_access_token": (("claims", -1, ()),),
    "flask_jwt_extended.create_refresh_token": (("claims", -1, ()),),
    "sqlalchemy.text": (("sql", 0, ("text",)),),
    "sqlalchemy.sql.text": (("sql", 0, ("text",)),),
}
"""Callee → what it is a sink for: kind, position, keywords. Position -1 is every argument, -2 every keyword, None no position."""

METHOD_SINKS: Final[dict[str, Sink]] = {
    "set_cookie": ("cookie", 1, ("value",)),
    "execute": ("sql", 0, ("statement", "query", "sql")),
    "executemany": ("sql", 0, ("statement", "query", "sql")),
    "executescript": ("sql", 0, ()),
    "raw": ("sql", 0, ()),
    "add_note": ("exception-message", 0, ()),
    "safe_substitute": ("response", None, ()),
    "set_data": ("response", 0, ("value",)),
}
"""Last word of a callee of whatever object → sink."""
