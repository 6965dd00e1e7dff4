"""Where a session is kept: in the cookie itself, as Flask does it, or on the server under an id."""

import re
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.values import Call, walk

ON_SERVER: Final = (
    "flask_session",
    "flask_kvsession",
    "flask_caching.session",
    "beaker",
    "flask_redis_session",
    "stopper",
)
_SETS_UP: Final = "|".join(rf"{re.escape(name)}\..+" for name in ON_SERVER)
_INTERFACES: Final = ("flask.sessions.SessionInterface", "flask.SessionInterface")


def is_kept_on_server(facts: SourceFacts) -> bool:
    """That the cookie holds no more than an id: a library keeps the session, or a class of the project that is no signed cookie."""
    if next(facts.config_writes("SESSION_TYPE"), None) is not None:
        return True
    if next(facts.calls("*.KVSessionExtension"), None) is not None:
        return True  # Flask-KVSession, also a copy of it
    if facts.imports(*ON_SERVER) and next(facts.calls_matching(_SETS_UP), None) is not None:
        return True  # an import alone keeps nothing
    for found in facts.classes(*_INTERFACES):
        methods = [f"{found.name}.{name}" for name in found.methods]
        signs_it_all = any(call.method == "get_signing_serializer" for name in methods for call in facts.calls_in(name))
        if (
            "save_session" in found.methods
            and not signs_it_all
            and not any(_sends_it_all(facts, name) for name in methods)
        ):
            return True
    return False


def _sends_it_all(facts: SourceFacts, function: str) -> bool:
    """``set_cookie(name, serializer.dumps(dict(session)))``: all of the session, in whatever form, is in the cookie."""
    return any(
        isinstance(part, Call) and part.callee == "dict"
        for call in facts.calls_in(function)
        if call.method == "set_cookie"
        for given in (*call.args, *(value for _, value in call.keywords))
        for part in walk(given, 6)
    )
