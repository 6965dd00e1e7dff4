"""What stands between a request and the body of a view: hooks, wrappers, the class, and the body itself."""

import functools
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import Any, Final, Literal, cast

from stopper.core.place import Span
from stopper.scan.running.read import last_line, scopes_of

LayerKind = Literal["decorator", "before_request", "class-decorator", "wrapper"]

_WRAPPED_NAMES: Final = frozenset({
    "f", "fn", "fun", "func", "function", "view", "view_func", "view_function", "handler", "wrapped", "callback", "method",
    "endpoint", "inner", "meth", "route", "original", "target", "resource", "func_to_wrap", "view_fn", "function_to_protect",
})  # fmt: skip
"""What the people who write decorators call the function that they wrap."""
_TELLING: Final = re.compile(r"(?i)role|permission|scope|group|right|level|claim|privilege|^(fresh|refresh|optional)$")
"""Names of a decorator's own arguments that say whom it lets through. Others may hold a key and are never shown."""
_LIBRARIES: Final = frozenset({"site-packages", "dist-packages"})
_CALL: Final = "__call__"
DEEPEST: Final = 20


@dataclass(frozen=True, slots=True)
class Layer:
    """One thing that a request passes on its way. ``codes`` are what runs when it does; ``below`` is what it calls next."""

    name: str
    kind: LayerKind
    codes: tuple[CodeType, ...]
    span: Span | None = None
    below: Any = None
    is_library: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """The way to one method of one view, outermost first. ``body`` is None where the view is not written in Python.

    ``is_sure`` says that ``body`` is the view itself and not something that the view may call.
    """

    hooks: tuple[Layer, ...]
    wrappers: tuple[Layer, ...]
    body: CodeType | None
    is_sure: bool
    view_class: Any = None
    view: Any = None


def way_to(flask: Any, endpoint: str, method: str, root: Path) -> Way:
    """The way to the view of *endpoint* for *method*."""
    view = flask.view_functions[endpoint]
    layers, leaf, is_sure = chain(view, root, "decorator")
    hooks = tuple(hook_layers(flask, endpoint, root))
    view_class = getattr(leaf, "view_class", None) or getattr(view, "view_class", None)
    if view_class is None:
        return Way(hooks, tuple(layers), code_of(leaf), is_sure, None, view)
    inner, body, is_sure = _class_layers(view_class, method, root)
    return Way(hooks, (*layers, *inner), body, is_sure, view_class, leaf)


def hook_layers(flask: Any, endpoint: str, root: Path) -> Iterator[Layer]:
    """What runs before the view: the application's functions, then those of its blueprints from the outside in."""
    for table in (flask.url_value_preprocessors, flask.before_request_funcs):
        for name in scopes_of(endpoint):
            for hook in cast("Mapping[str | None, list[Any]]", table).get(name, ()):
                wrappers, leaf, _ = chain(hook, root, "before_request")
                codes = tuple(code for one in wrappers for code in one.codes)
                own = code_of(leaf)
                shown = leaf if own is not None else hook
                yield Layer(
                    name_of(shown, root, innermost=True), "before_request", (*codes, *((own,) if own else ())), span_of_code(own, root),
                    hook, not is_own(own, root),
                )  # fmt: skip


def chain(view: Any, root: Path, kind: LayerKind) -> tuple[list[Layer], Any, bool]:
    """The wrappers round *view*, outermost first, the innermost function, and whether that is sure."""
    layers: list[Layer] = []
    current, is_sure = _plain(view), True
    seen = {id(current)}
    for _ in range(DEEPEST):
        inner, certain = _inside(current)
        if inner is None or id(_plain(inner)) in seen:
            break
        seen.add(id(_plain(inner)))
        inner = _plain(inner)
        code = code_of(current)
        layers.append(
            Layer(
                f"{name_of(current, root)}{_arguments(current)}",
                kind,
                (code,) if code else (),
                span_of_code(code, root),
                inner,
                not is_own(code, root),
            )
        )
        is_sure = is_sure and certain
        current = inner
    return layers, current, is_sure and not _may_wrap(current)


def _plain(thing: Any) -> Any:
    """*thing* without partials and bindings."""
    for _ in range(DEEPEST):
        if isinstance(thing, functools.partial):
            thing = thing.func
        elif isinstance(thing, MethodType):
            thing = thing.__func__
        else:
            break
    return thing


def _inside(thing: Any) -> tuple[Any, bool]:
    """What *thing* wraps, and whether it says so itself; (None, True) when it wraps nothing."""
    code = code_of(thing)
    if code is not None and code.co_qualname.endswith("as_view.<locals>.view"):
        return None, True  # made by Flask of a class: what it holds is itself, decorated
    told = getattr(thing, "__wrapped__", None)
    if told is not None and _is_callable(told):
        return told, True
    held = _held(thing)
    named = [value for name, value in held if name in _WRAPPED_NAMES]
    if len(named) == 1 and (_takes_anything(thing) or not isinstance(thing, FunctionType)):
        return named[0], True
    if len(held) == 1 and _takes_anything(thing):
        return held[0][1], False
    return None, True


def _held(thing: Any) -> list[tuple[str, Any]]:
    """The functions that a closure or a callable object holds, by name."""
    if isinstance(thing, FunctionType):
        cells = zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=False)
        found = [(name, _content(cell)) for name, cell in cells]
    elif isinstance(thing, type) or not callable(thing):
        return []
    else:
        found = [(name.lstrip("_"), value) for name, value in getattr(thing, "__dict__", {}).items()]
    return [(name, value) for name, value in found if _is_callable(value)]


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _is_callable(value: Any) -> bool:
    return isinstance(value, (FunctionType, MethodType, functools.partial)) or (
        hasattr(value, "__wrapped__") and callable(value)
    )


def _takes_anything(thing: Any) -> bool:
    """A wrapper has to take whatever the view takes."""
    code = code_of(thing)
    return code is not None and bool(code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS))


def _may_wrap(leaf: Any) -> bool:
    """A function that takes anything and holds functions may be a wrapper that could not be looked through."""
    return not hasattr(leaf, "view_class") and _takes_anything(leaf) and bool(_held(leaf))


def _call_of(thing: object) -> Any:
    return getattr(type(thing), _CALL, None)


def code_of(thing: Any) -> CodeType | None:
    """The code that runs when *thing* is called."""
    thing = _plain(thing)
    if isinstance(thing, FunctionType):
        return thing.__code__
    if isinstance(thing, type):
        return None
    return getattr(_call_of(thing), "__code__", None)


# -- classes -----------------------------------------------------------------------------------------------------------------------


def _class_layers(view_class: Any, method: str, root: Path) -> tuple[list[Layer], CodeType | None, bool]:
    dispatch = getattr(view_class, "dispatch_request", None)
    handler = handler_of(view_class, method)
    if handler is None:
        layers, leaf, is_sure = chain(dispatch, root, "decorator")
        return layers, code_of(leaf), is_sure
    outer, leaf, _ = chain(dispatch, root, "decorator")
    code = code_of(leaf)
    own = [
        Layer(name_of(leaf, root), "class-decorator", (code,) if code else (), span_of_code(code, root), None, not is_own(code, root))
    ]  # fmt: skip
    inner, leaf, is_sure = chain(handler, root, "decorator")
    return [*outer, *own, *_method_decorators(view_class, method, root), *inner], code_of(leaf), is_sure


def handler_of(view_class: Any, method: str) -> Any:
    """The method of a view class that answers *method*."""
    found = getattr(view_class, method.lower(), None)
    if found is None and method == "HEAD":
        found = getattr(view_class, "get", None)
    return found


def decorators_of(view_class: Any, method: str) -> list[Any]:
    """The ``method_decorators`` of a Flask-RESTful or Flask-RESTX resource, in the order in which they are applied."""
    said: Any = getattr(view_class, "method_decorators", None) or ()
    if isinstance(said, Mapping):
        said = cast("Mapping[str, Any]", said).get(method.lower(), ())
    try:
        return list(said)
    except TypeError:
        return []


def _method_decorators(view_class: Any, method: str, root: Path) -> Iterator[Layer]:
    for decorator in reversed(decorators_of(view_class, method)):
        code = code_of(decorator)
        if code is not None:
            codes = tuple(_nested(code))
            yield Layer(
                f"{name_of(_plain(decorator), root)}{_arguments(_plain(decorator))}", "class-decorator", codes,
                span_of_code(codes[0] if codes else code, root), None, not is_own(code, root),
            )  # fmt: skip


def _nested(code: CodeType) -> Iterator[CodeType]:
    """The code of the functions that a decorator makes."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _nested(constant)


# -- names -------------------------------------------------------------------------------------------------------------------------


def is_own(code: CodeType | None, root: Path) -> bool:
    """Whether the code stands in the application's own source."""
    if code is None:
        return False
    path = Path(code.co_filename)
    return path.is_absolute() and path.is_relative_to(root) and not _LIBRARIES & set(path.relative_to(root).parts)


def name_of(thing: Any, root: Path, *, innermost: bool = False) -> str:
    """``shop.auth.login_required`` for what the decorator made; of a library only its package: versions move modules about.

    With *innermost*, a function within a function has its own name too.
    """
    code = code_of(thing)
    holder = thing if isinstance(thing, FunctionType) else _call_of(thing)
    module = str(getattr(holder, "__globals__", {}).get("__name__", "")) or str(getattr(thing, "__module__", ""))
    if not is_own(code, root):
        module = module.partition(".")[0]
    word = code.co_qualname if code is not None else type(thing).__qualname__
    word = word.replace(".<locals>", "") if innermost else word.partition(".<locals>")[0]
    return f"{module}.{word.removesuffix('.__call__')}".strip(".")


def _arguments(thing: Any) -> str:
    """What a decorator was told about roles and scopes, as far as it stands in its closure."""
    if not isinstance(thing, FunctionType):
        return ""
    cells = zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=False)
    said = [(name, _word(_content(cell))) for name, cell in cells if _TELLING.search(name)]
    shown = ", ".join(f"{name}={value}" for name, value in said if value)
    return f"({shown})" if shown else ""


def _word(value: Any) -> str:
    if value is True:
        return "True"
    if isinstance(value, str):
        return repr(value) if re.fullmatch(r"[\w.:* -]{1,40}", value) else ""
    if isinstance(value, (list, tuple, set, frozenset)):
        words = [_word(item) for item in cast("list[Any]", value)]
        words = sorted(words) if isinstance(value, (set, frozenset)) else words
        return f"[{', '.join(words)}]" if words and all(words) else ""
    return ""


def span_of_code(code: CodeType | None, root: Path) -> Span | None:
    """Where the code stands, when that is in the application's own source."""
    if code is None or not is_own(code, root):
        return None
    return Span(Path(code.co_filename).relative_to(root).as_posix(), code.co_firstlineno, last_line(code))
