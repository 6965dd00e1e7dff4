"""An answer of GraphQL as a route would give it: the status says what its ``errors`` say, and the body is what the field gave."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, cast

from stopper.core.exchange import Response
from stopper.core.login_names import LOGIN
from stopper.core.probing.accounts.own_values import SELF
from stopper.scan.surface.graphql_schema import SAYING

_CODES: Final[Mapping[str, int]] = {
    "UNAUTHENTICATED": 401, "UNAUTHORIZED": 401, "FORBIDDEN": 403, "PERMISSION_DENIED": 403, "NOT_FOUND": 404, "BAD_USER_INPUT": 400,
    "GRAPHQL_VALIDATION_FAILED": 400, "GRAPHQL_PARSE_FAILED": 400, "CONFLICT": 409, "RATE_LIMITED": 429, "TOO_MANY_REQUESTS": 429,
    "INTERNAL_SERVER_ERROR": 500,
}  # fmt: skip
"""What servers call the kinds of their errors (``extensions.code``)."""
_VALIDATION: Final = re.compile(
    r"(?i)^(cannot query field|unknown (argument|type|directive)|variable \"?\$|field \"?'?\w+'? ?\"?\w* ?argument|syntax error|argument \"?'?\w+|"
    r"expected (type|value)|field '?\"?\w+'?\"? (of type|must)|(int|string|float|id|boolean|enum) cannot represent|invalid value|.*got invalid value)"
)
_BROKEN: Final = re.compile(
    r"(?i)traceback|object has no attribute|'?NoneType'?|\b\w+\.(OperationalError|IntegrityError|ProgrammingError|DataError)\b|\bsqlite3\b|psycopg|pymysql|"
    r"unsupported operand|not subscriptable|not iterable|list index out of range|invalid literal for|could not convert|missing \d+ required|"
    r"unexpected keyword argument|internal (server )?error|unexpected error|\bno such (table|column)\b|unrecognized token|near \"[^\"]*\": syntax error|"
    r"^'\w+'$|\[errno \d+\]|codec can't|can only concatenate|must be str, not|unhashable|Background on this error"
)
"""What a program says that broke, and nobody wrote for a caller."""
_LIMITED: Final = re.compile(
    r"(?i)too many (requests|attempts|tries|log-?ins)|rate.?limit|slow down|try again (later|in)|temporarily (locked|blocked)|locked out"
)
_UNKNOWN: Final = re.compile(
    r"(?i)unauthenticated|not (logged|signed) in|not authenticated|log ?in (is )?(required|first)|(please|must|need to|have to) (be )?(logged|log|signed|sign) ?in|"
    r"authentication|(invalid|missing|expired|wrong|bad|malformed|revoked|no) (or \w+ )?(\w+ )?(token|credentials?|jwt|signature|header|session|api.?key|password)|"
    r"token (is |has |was )?(required|missing|invalid|expired|revoked)|not enough segments|signature (verification failed|has expired)|"
    r"(password|credentials?|log-?in|user ?name|e-?mail)( \w+){0,3} (is |are )?(invalid|incorrect|wrong|failed)|(invalid|incorrect|wrong) (user|e-?mail|log-?in|credential)"
)
_DENIED: Final = re.compile(
    r"(?i)unauthori[sz]ed|not authori[sz]ed|forbidden|permission|access denied|not allowed|(admins?|staff|owner|moderators?)( \w+)? (only|required)|only (the |an? )?(admin|owner|staff)|"
    r"not (the|your) (own|owner)|not yours|insufficient (rights|privilege|scope)"
)
_ABSENT: Final = re.compile(
    r"(?i)not found|does ?n.t exist|does not exist|no such|unknown \w+$|no \w+ (with|found|matches)"
)
_TAKEN: Final = re.compile(r"(?i)already (exists?|taken|in use|registered|used)|is taken|duplicate|unique")
_REFUSALS: Final = (401, 403, 404, 409, 429)
_FLAGS: Final = frozenset({"ok", "success", "successful", "status"})


@dataclass(frozen=True, slots=True)
class Told:
    """The answer, and the one inner field that alone was refused, where nothing was given for want of it."""

    response: Response
    refused_below: str = ""


def as_answered(name: str, path: str, changes: bool, response: Response) -> Told:
    """*response* of a door to a query of the field *name* as the route at *path* would answer."""
    said = response.json()
    if not isinstance(said, dict) or not {"data", "errors"} & said.keys():
        return Told(response)
    answer = cast("dict[str, object]", said)
    data, errors = answer.get("data"), _objects(answer.get("errors"))
    value = cast("dict[str, object]", data).get(name) if isinstance(data, dict) else None
    if value is None and errors:
        below = _below(errors[0])
        status = (
            response.status
            if response.status in (401, 403, 404, 429) or response.status >= 500
            else _status(errors[0], path)
        )
        said_of = [_without_trace(one) for one in errors] if status in _REFUSALS else errors
        return Told(_made(response, status, {"errors": said_of}), below if status in (401, 403) else "")
    if value is None:
        if SELF.search(path):
            return Told(_made(response, 401, {"error": "not logged in"}))
        return Told(_made(response, 404 if path.endswith("}") or not changes else 200, {name: None}))
    return Told(_given(name, path, changes, value, response))


def _given(name: str, path: str, changes: bool, value: object, response: Response) -> Response:
    """What a field gave: the thing itself, without what says that it went well."""
    if isinstance(value, dict):
        value = _plain(cast("dict[str, object]", value))
    if not isinstance(value, (dict, list)):
        refused = value is False and changes
        return _made(response, 400 if refused else 200, {name: value})
    if isinstance(value, list):
        return _made(
            response,
            200,
            [
                _plain(cast("dict[str, object]", one)) if isinstance(one, dict) else one
                for one in cast("list[object]", value)
            ],
        )
    members = cast("dict[str, object]", value)
    texts = _texts_of(members)
    rest = {key: one for key, one in members.items() if key.lower() not in SAYING}
    failed = any(members.get(flag) is False for flag in _FLAGS) or (
        bool(members.get("errors") or members.get("error")) and not any(rest.values())
    )
    only = not any(one not in (None, [], "") for one in rest.values())
    if failed or (only and texts and not changes and _no(texts)) or (only and texts and _refuses(texts)):
        return _made(response, _by_words(texts, path), members)
    inner: list[object] = [one for one in rest.values() if isinstance(one, (dict, list))]
    if len(rest) == 1 and inner and (len(members) > 1 or changes):
        return _made(response, _done(path) if changes else 200, inner[0])
    return _made(response, _done(path) if changes and inner else 200, members)


def _done(path: str) -> int:
    """What a route answers that made a thing; a log-in makes none."""
    return 200 if path.endswith("}") or LOGIN.search(path) else 201


def _plain(members: dict[str, object]) -> object:
    """A page of a list as its things: ``{"edges": [{"node": …}]}``."""
    edges = members.get("edges")
    if not isinstance(edges, list):
        return members
    nodes = [cast("dict[str, object]", one).get("node") for one in cast("list[object]", edges) if isinstance(one, dict)]
    return nodes if all(isinstance(one, dict) for one in nodes) else members


def _texts_of(members: Mapping[str, object]) -> str:
    said = [members.get(key) for key in ("message", "msg", "error", "errors", "detail", "reason")]
    return " ".join(one if isinstance(one, str) else json.dumps(one) for one in said if one)


def _refuses(text: str) -> bool:
    return bool(_UNKNOWN.search(text) or _DENIED.search(text)) and not re.search(r"(?i)success", text)


def _no(text: str) -> bool:
    return bool(_ABSENT.search(text))


def _by_words(text: str, path: str) -> int:
    if _LIMITED.search(text):
        return 429
    if _ABSENT.search(text) and not LOGIN.search(path):
        return 404
    if _BROKEN.search(text):
        return 500
    if _DENIED.search(text):
        return 403
    if _UNKNOWN.search(text) or LOGIN.search(path):
        return 401
    return 409 if _TAKEN.search(text) else 400


def _status(error: Mapping[str, object], path: str) -> int:
    """What a route would answer where GraphQL gives an error."""
    extensions = error.get("extensions")
    code = cast("dict[str, object]", extensions).get("code") if isinstance(extensions, dict) else None
    text = str(error.get("message") or "")
    if _VALIDATION.search(text):
        return 400
    if "path" not in error and not isinstance(code, str) and not _BROKEN.search(text) and not _refuses(text):
        return 400  # it was not even begun
    known = _CODES.get(code.upper(), 0) if isinstance(code, str) else 0
    return known if known and known != 500 else _by_words(text, path)


def _below(error: Mapping[str, object]) -> str:
    """The inner field that an error is about: ``author.email`` of ``["notes", 0, "author", "email"]``."""
    path = error.get("path")
    names = [one for one in cast("list[object]", path)[1:] if isinstance(one, str)] if isinstance(path, list) else []
    return ".".join(names)


def _made(response: Response, status: int, body: object) -> Response:
    headers = tuple(pair for pair in response.headers if pair[0].lower() != "content-length")
    return replace(response, status=status, headers=headers, body=json.dumps(body).encode())


def _without_trace(error: Mapping[str, object]) -> dict[str, object]:
    """A refusal without what a debugger adds: names of places in memory make no two alike."""
    extensions = error.get("extensions")
    code = {"code": cast("dict[str, object]", extensions).get("code")} if isinstance(extensions, dict) else {}
    return {
        **{name: error[name] for name in ("message", "path") if name in error},
        **({"extensions": code} if code else {}),
    }


def _objects(value: object) -> list[dict[str, object]]:
    members = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("dict[str, object]", one) for one in members if isinstance(one, dict)]
