"""Look-ups by ``get``: in the request, the settings, a session, a mapping of any kind."""

import ast
from configparser import RawConfigParser
from typing import Final

from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Unknown,
    Value,
    options,
    text_of,
)
from stopper.scan.source.drafts import new_call, new_constant, new_item
from stopper.scan.source.lookups import OF_REQPARSE, item, of_parser, request_part
from stopper.scan.source.reader import NONE, Reader, either

MEMBER_READS: Final = (Item, Mapping, Parameter, Unknown, Member)
OF_INI: Final = frozenset({"getboolean", "getint", "getfloat"})
"""Methods of a ``ConfigParser()`` that give what stands there as something else than a text."""
NUMBER_TYPES: Final = frozenset({"int", "float", "bool", "uuid.UUID", "decimal.Decimal"})


def folded_get(
    reader: Reader, node: ast.Call, owner: Value, args: tuple[Value, ...], keywords: tuple[tuple[str, Value], ...]
) -> Value | None:
    """What ``owner.get(key, default)`` gives where *owner* is a mapping; None where it may be anything else that has a ``get``."""
    asked = args[2] if len(args) == 3 else dict(keywords).get("type")
    found = _looked_up(reader, node, owner, args[:2], keywords) if len(args) in (1, 2, 3) else None
    if found is None or type(owner) is not Name or not owner.dotted.startswith("flask.request."):
        return _as_said(node, found) if len(args) < 3 else None
    return _as_type(reader, node, found, asked)


def _as_said(node: ast.Call, found: Value | None) -> Value | None:
    """``parser.getboolean("jwt", "verify")`` of a file that says ``no`` gives False."""
    if type(found) is Constant and isinstance(node.func, ast.Attribute) and node.func.attr == "getboolean":
        said = RawConfigParser.BOOLEAN_STATES.get(str(found.value).lower())
        return found if said is None else new_constant(said, found.span, found.name)
    return found


def _as_type(reader: Reader, node: ast.Call, found: Value, asked: Value | None) -> Value:
    """``request.args.get("page", type=int)`` gives a number or the default: what ``int(…)`` would give of it."""
    if type(asked) is not Name or asked.dotted not in NUMBER_TYPES:
        return found
    if not isinstance(found, Item) or found.default is None or type(found.default) is Constant:
        return new_call(asked.dotted, (found,), (), False, None, reader.function, reader.span(node))
    read = new_item(found.owner, found.key, NONE, found.span, found.name)
    number = new_call(asked.dotted, (read,), (), False, None, reader.function, reader.span(node))
    return either(number, found.default)  # a default is given as it is


def _looked_up(
    reader: Reader, node: ast.Call, owner: Value, args: tuple[Value, ...], keywords: tuple[tuple[str, Value], ...]
) -> Value | None:
    if type(owner) is Call and owner.callee[:13] == "configparser." and len(args) == 2:
        return of_parser(reader, owner, args, dict(keywords).get("fallback"), node)
    named_only = {key: value for key, value in keywords if key in ("default", "type", "silent", "fallback")}
    if len(named_only) != len(keywords):
        return None
    key = args[0]
    default = args[1] if len(args) == 2 else named_only.get("default", named_only.get("fallback", NONE))
    text = key.value if type(key) is Constant and type(key.value) is str else None
    owner = _without_empty(owner)
    if type(key) is Name and _is_class_name(key.dotted):
        return None  # ``session.get(User, number)`` asks a database
    if type(owner) is Name:
        dotted = owner.dotted
        if (
            dotted.startswith(("flask.request.", "flask.session", "flask.g"))
            or dotted == "os.environ"
            or reader.is_config(owner)
        ):
            return item(reader, owner, key, default, node)
        return None
    several = type(key) is Choice and not key.every and all(text_of(one) is not None for one in key.options)
    if type(owner) is Choice and (text is not None or several) and request_part(owner):
        places = [one for one in owner.options if type(one) is Name and request_part(one)]
        if len(places) == len(owner.options):  # ``for place in (request.headers, request.args): place.get("X")``
            names = tuple(options(key))
            rows = names if len(names) == len(places) else (key,) * len(places)  # one row has the place and its name
            return either(*[item(reader, one, row, default, node) for one, row in zip(places, rows, strict=True)])
        return item(reader, owner, key, default, node)
    if isinstance(owner, MEMBER_READS) and not _is_address(key) and reader.dotted(owner) is None:
        return item(reader, owner, key, default, node)
    if reader.is_config(owner):
        return item(reader, owner, key, default, node)
    if type(owner) is Call and (
        _gives_mapping(owner.callee)
        or (_is_word(text) and reader.project.has_function(owner.callee))
        or (owner.method == "parse_args" and OF_REQPARSE.match(owner.callee))  # ``parser.parse_args().get("email")``
    ):
        return item(reader, owner, key, default, node)
    return None


def _is_address(key: Value) -> bool:
    """``self.http.get(f"/customers/{number}")``: a client asks for it, and no mapping has it for a key."""
    if type(key) is Format:
        texts = [one.value for one in key.parts if type(one) is Constant and type(one.value) is str]
        return any(text[:1] == "/" or "://" in text for text in texts)
    return type(key) is Constant and type(key.value) is str and key.value.startswith(("/", "http"))


def _without_empty(owner: Value) -> Value:
    """``request.get_json() or {}`` without the empty one."""
    if type(owner) is not Choice or owner.every:
        return owner
    full = [one for one in owner.options if not (type(one) is Mapping and not one.items and not one.open)]
    return full[0] if len(full) == 1 else owner


def _is_class_name(dotted: str) -> bool:
    word = dotted.rpartition(".")[2]
    return word[:1].isupper() and not word.isupper()


def _is_word(text: str | None) -> bool:
    """That a key is no address that a client of one's own asks."""
    return text is not None and text.isidentifier()


def _gives_mapping(callee: str) -> bool:
    word = callee.rpartition(".")[2]
    return callee.startswith(("flask.request.", "configparser.")) or word in (
        "get_json",
        "json",
        "loads",
        "get_unverified_header",
        "get_unverified_claims",
        "get_jwt",
        "decode",
        "to_dict",
        "dict",
        "safe_load",
        "find_one",
        "find_one_or_404",
        "hgetall",
        "model_dump",
        "_asdict",
    )
