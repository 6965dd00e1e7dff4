"""What API keys are called, and whether a value of the source is one that a caller shows."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.labels import Label
from stopper.core.naming import is_key_name
from stopper.core.values import Call, Constant, Format, Item, Name, Unknown, Value, is_constant

__all__ = [
    "READ_FROM",
    "SHOWN",
    "is_first_part",
    "is_key_name",
    "is_key_reading",
    "is_of_browsers",
    "is_shown_key",
    "makes_keys",
    "reads_keys",
]

_KEYS_PATH: Final = re.compile(r"(?i)(?:^|/)(?:api[-_]?)?keys?/?$")
SHOWN: Final = frozenset({"request-header", "authorization-header", "request-data", "query-string", "cookie"})
"""Labels of what a caller writes."""
READ_FROM: Final = frozenset(f"flask.request.{where}" for where in ("headers", "args", "values", "form", "cookies"))


_OF_BROWSERS: Final = re.compile(
    r"(?i)mapbox|map_?tiler|g(?:oogle)?_?maps?_|maps?_api_?key|bing_?maps?|publishable|(?:^|_)public_|site_?key|re?captcha|pusher_(?:app_)?key|algolia_search|segment_write|firebase_(?:web_)?api_key"
)


def is_of_browsers(name: str) -> bool:
    """That a key is made to stand in pages by what it is called: those of maps, of forms against robots, publishable ones."""
    return _OF_BROWSERS.search(name) is not None and "secret" not in name.lower()


def makes_keys(facts: SourceFacts) -> frozenset[str]:
    """The views of routes at which keys are made: a POST to ``/keys``, ``/v1/api-keys``."""
    return frozenset(route.view for route in facts.routes if "POST" in route.methods and _KEYS_PATH.search(route.path))


def reads_keys(facts: SourceFacts) -> bool:
    """That some line reads what may be an API key from a request. Asked first, because the rest costs more."""
    return facts.once("reads API keys", lambda: _reads_keys(facts))


def _reads_keys(facts: SourceFacts) -> bool:
    return (
        any(
            is_key_name(one.key) or (one.source == "flask.request.headers" and one.key.lower() == "authorization")
            for one in facts.readings()
        )
        or any(is_key_name(text) for text in _asked_for(facts))
        or facts.imports("flask_httpauth", "connexion", "apiflask.HTTPTokenAuth", "apiflask.HTTPAPIKeyAuth")
        or any(word in name for route in facts.routes for name, _ in route.parameters for word in ("key", "token"))
    )


def _asked_for(facts: SourceFacts) -> Iterator[str]:
    """The names in ``"X-API-Key" in request.headers``."""
    for one in facts.comparisons("in", "not in"):
        if (
            isinstance(one.left, Constant)
            and isinstance(one.left.value, str)
            and isinstance(one.right, Name)
            and one.right.dotted in READ_FROM
        ):
            yield one.left.value


def is_shown_key(facts: SourceFacts, value: Value | None) -> bool:
    """That the value is a whole API key from the request as the caller wrote it, not a hash of one or a test of it."""
    if value is None or isinstance(value, (Constant, Format)):
        return False
    if isinstance(value, Item) and (isinstance(value.key, Unknown) or is_first_part(value)):
        return False  # a part of it
    labels = facts.labels(value)
    return any(label.kind in SHOWN for label in labels) and any(_says_key(label) for label in labels)


def is_first_part(value: Value) -> bool:
    """``key.partition(".")[0]``: the name of a key, by which it is found; the secret stands behind it."""
    return (
        isinstance(value, Item)
        and is_constant(value.key, 0)
        and isinstance(value.owner, Call)
        and value.owner.method in ("split", "partition", "rsplit", "rpartition")
    )


def _says_key(label: Label) -> bool:
    return label.kind == "api-key" or (label.kind == "request-header" and is_key_name(label.source))


def is_key_reading(value: Value, within: frozenset[str] = READ_FROM) -> bool:
    """That the value is itself the look-up of an API key in these parts of the request."""
    return (
        isinstance(value, Item)
        and isinstance(value.owner, Name)
        and value.owner.dotted in within
        and isinstance(value.key, Constant)
        and isinstance(value.key.value, str)
        and is_key_name(value.key.value)
    )
