"""Reads what the libraries of the running application are set up to do. Nothing of them is imported, and nothing of theirs is called."""

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from stopper.core.deployment.app_extensions import (
    Extensions,
    FormTokens,
    HeaderLibrary,
    ProxyTrust,
    SessionStore,
    TokenGuard,
    TokenManager,
)
from stopper.core.place import Span
from stopper.scan.running.held import (
    class_name,
    comes_from,
    enclosed,
    function_of,
    held,
    is_a,
    items,
    layers,
    members,
)
from stopper.scan.running.limiters import read_limiters

Found = TypeVar("Found")
_TALISMAN: Final = (
    "force_https", "strict_transport_security", "content_security_policy", "frame_options", "x_content_type_options", "referrer_policy",
    "session_cookie_secure",
)  # fmt: skip
_HOPS: Final = ("x_for", "x_proto", "x_host", "x_port", "x_prefix", "num_proxies")
_INNER: Final = ("app", "wsgi_app", "_app", "_wsgi_app", "application", "wrapped", "wrap_app")
"""Under which names a middleware keeps what it wraps."""
_MIDDLEWARE: Final = 10
"""Middleware round one application that is looked through."""
_VERBS: Final = ("get", "post", "put", "patch", "delete")


def read_extensions(flask: Any, where: Callable[[Any], Span | None]) -> Extensions:
    """The libraries that *flask* holds. *where* tells where a function stands. One that cannot be read is left out."""
    return Extensions(
        tokens=_read(lambda: _tokens(flask), None),
        token_guards=_read(lambda: tuple(_token_guards(flask)), ()),
        form_tokens=_read(lambda: _form_tokens(flask), None),
        headers=_read(lambda: _headers(flask), None),
        proxies=_read(lambda: tuple(_proxies(flask)), ()),
        limiters=_read(lambda: tuple(read_limiters(flask, where)), ()),
        sessions=_read(lambda: _sessions(flask), None),
    )


def _read(reading: Callable[[], Found], default: Found) -> Found:
    try:
        return reading()
    except Exception:  # noqa: BLE001 - an object that is odd in a way nobody thought of must not end an audit
        return default


def _tokens(flask: Any) -> TokenManager | None:
    for _, thing in items(held(flask, "extensions")):
        if comes_from(thing, "flask_jwt_extended", "JWTManager"):
            return TokenManager(
                blocklist=_own(thing, "_token_in_blocklist_callback", "_token_in_blacklist_callback"),
                user_lookup=_own(thing, "_user_lookup_callback", "_user_loader_callback"),
            )
    return None


def _own(manager: object, *names: str) -> bool:
    """Whether a callback of one of these names is the application's, and not the library's stand-in."""
    for name in names:
        callback = held(manager, name)
        function = function_of(callback)
        if callback is not None and (function is None or not _of_library(function.__globals__.get("__name__"))):
            return True
    return False


def _of_library(module: object) -> bool:
    return type(module) is str and module.partition(".")[0] == "flask_jwt_extended"


def _token_guards(flask: Any) -> Iterator[TokenGuard]:
    for endpoint, view in items(held(flask, "view_functions")):
        shown = [view, *(held(held(view, "view_class"), verb) for verb in _VERBS)]
        for function in (layer for one in shown for layer in layers(one)):
            if function.__globals__.get("__name__") != "flask_jwt_extended.view_decorators":
                continue
            name = function.__code__.co_qualname.partition(".")[0]
            yield TokenGuard(
                str(endpoint),
                optional=name == "jwt_optional" or enclosed(function, "optional") is True,
                fresh=name == "fresh_jwt_required" or enclosed(function, "fresh") is True,
                refresh=name == "jwt_refresh_token_required" or enclosed(function, "refresh") is True,
                locations=_texts(enclosed(function, "locations")),
            )


def _texts(value: object) -> tuple[str, ...]:
    return (value,) if type(value) is str else tuple(one for one in members(value) if type(one) is str)


def _form_tokens(flask: Any) -> FormTokens | None:
    for _, thing in items(held(flask, "extensions")):
        if comes_from(thing, "flask_wtf", "CSRFProtect"):
            views = frozenset(one for one in members(held(thing, "_exempt_views")) if type(one) is str)
            return FormTokens(frozenset(_exempt(flask, views, members(held(thing, "_exempt_blueprints")))))
    return None


def _exempt(flask: Any, views: frozenset[str], blueprints: tuple[Any, ...]) -> Iterator[str]:
    """The endpoints whose view or blueprint is among these; a view stands there by its dotted name, a blueprint by name or itself."""
    known = dict(items(held(flask, "blueprints")))
    for endpoint, view in items(held(flask, "view_functions")):
        scope = str(endpoint).rpartition(".")[0]
        whole, function = known.get(scope), function_of(view)
        left_out = scope and any(one is whole or (type(one) is str and one == scope) for one in blueprints)
        if left_out or (function is not None and f"{function.__module__}.{function.__name__}" in views):
            yield str(endpoint)


def _headers(flask: Any) -> HeaderLibrary | None:
    for table in ("before_request_funcs", "after_request_funcs"):
        for _, hooks in items(held(flask, table)):
            for hook in members(hooks):
                owner = held(hook, "__self__")
                if comes_from(owner, "flask_talisman", "Talisman"):
                    return HeaderLibrary({name: _shown(held(owner, name, True)) for name in _TALISMAN})
    return None


def _shown(value: object) -> object:
    """The value of an option where it is plain; of anything else only whether there is something in it."""
    if value is None or type(value) in (bool, int, str):
        return value
    return bool(members(value)) if is_a(value, dict, list, tuple, set) else True


def _proxies(flask: Any) -> Iterator[ProxyTrust]:
    current, seen = held(flask, "wsgi_app"), 0
    while current is not None and function_of(current) is None and seen < _MIDDLEWARE:
        if comes_from(current, "werkzeug", "ProxyFix"):
            yield ProxyTrust({name: count for name in _HOPS if type(count := held(current, name)) is int})
        current, seen = next((inner for name in _INNER if (inner := held(current, name)) is not None), None), seen + 1


def _sessions(flask: Any) -> SessionStore | None:
    interface = held(flask, "session_interface")
    if interface is None:
        return None
    signed, serializer = held(interface, "use_signer"), held(interface, "serializer")
    behind = next((one for name in ("cache", "client") if (one := held(interface, name)) is not None), None)
    return SessionStore(
        class_name(interface),
        class_name(serializer) if serializer is not None else "",
        signed if type(signed) is bool else None,
        class_name(behind) if behind is not None else "",
    )
