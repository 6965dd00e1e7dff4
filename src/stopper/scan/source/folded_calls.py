"""Calls with a known answer: look-ups, texts put together, displays made anew; all others are calls."""

import ast
from typing import Final, TypeGuard

from stopper.core.drafts import changed
from stopper.core.naming import sensitive
from stopper.core.place import Span
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    EnvironmentValue,
    Format,
    Mapping,
    Name,
    Sequence,
    Value,
    is_constant,
    options,
    text_of,
)
from stopper.scan.source.drafts import new_choice, new_constant, new_format, new_mapping, new_sequence, new_unknown
from stopper.scan.source.dumped import FUNCTIONS, METHODS, dumped
from stopper.scan.source.elements import joined_by_keys
from stopper.scan.source.fields_of_texts import attributes_taken, filled_by_template
from stopper.scan.source.folded_gets import OF_INI, folded_get
from stopper.scan.source.folding import LARGEST_TEXT, as_mapping, braces, formatted
from stopper.scan.source.lookups import LOADS, attribute, parsed_file
from stopper.scan.source.reader import NONE, NOTHING, Reader, either
from stopper.scan.source.unrolling import TEXT_METHODS
from stopper.scan.source.wsgi_names import AGAIN, request_again

_KINDS: Final = ("str", "bool", "int", "float", "list", "dict", "json", "decimal", "path", "url", "timedelta", "__call__")  # fmt: skip
ENVIRONMENT: Final = frozenset(
    {"os.environ.get", "os.getenv", "os.environ.setdefault", "os.environ.pop", "decouple.config", "prettyconf.config"}
    | {f"decouple.{kind}.{said}" for kind in ("Config", "AutoConfig") for said in ("__call__", "get")}
    | {f"starlette.config.Config.{said}" for said in ("__call__", "get")}
    | {
        f"{reader}.{kind}"
        for reader in ("environs.Env", "environs.env", "envparse.Env", "envparse.env")
        for kind in _KINDS
    }
    | {"environs.env", "envparse.env"}
    | {f"environ.Env.{kind}" for kind in ("str", "bool", "int", "float", "list", "__call__", "get_value", "bytes")}
)
_CASTS: Final = frozenset(
    {"environ.Env.__call__", "environ.Env.get_value", "starlette.config.Config.__call__", "starlette.config.Config.get"}
)
"""They take the type first, and then the value of a variable that is not set."""
_TABLES: Final = ("environ.Env", "environ.FileAwareEnv")
"""Readers of the environment that are made with a type and a value for each variable: ``Env(DEBUG=(bool, False))``."""

_SECRETS: Final = frozenset({
    "pydantic.SecretStr", "pydantic.SecretBytes", "pydantic.types.SecretStr", "pydantic.types.SecretBytes", "pydantic.v1.SecretStr",
    "starlette.datastructures.Secret",
})  # fmt: skip

CONTAINERS: Final = {"list": "list", "tuple": "tuple", "set": "set", "frozenset": "set"}


def folded(
    reader: Reader, node: ast.Call, owner: Value | None, callee: str, args: tuple[Value, ...],
    keywords: tuple[tuple[str, Value], ...], is_open: bool,
) -> Value | None:  # fmt: skip
    """What the call gives, where that is known; None for any other call."""
    if callee in ENVIRONMENT and args and type(args[0]) is Constant and type(args[0].value) is str:
        return _environment(reader, node, callee, args, dict(keywords), owner)
    if callee in FUNCTIONS and len(args) == 1 and not keywords:
        return dumped(reader.project, args[0], reader.span(node))
    if callee in AGAIN and (again := request_again(args)) is not None:
        return again
    if callee in _SECRETS and len(args) == 1 and type(args[0]) is Constant:
        return args[0]  # a wrapper round a literal keeps it out of texts, and not out of the source
    if callee in LOADS and reader.project.settings_texts:
        return parsed_file(reader, callee, args)
    if owner is None and callee not in _MADE_OF:
        if callee in reader.project.classes and is_typed_dict(reader, callee):
            pairs = tuple([(new_constant(key), value) for key, value in keywords if key != "**"])
            return new_mapping(pairs, is_open, reader.span(node))
        return _folded_builtin(reader, node, callee, args, keywords, is_open)
    if callee == "collections.ChainMap" and args:
        return _chained(args, reader.span(node))
    if owner is None:
        return None
    if callee == "dict.fromkeys" and args and type(args[0]) is Sequence:
        keys, held = args[0], args[1] if len(args) > 1 else NONE
        return new_mapping(tuple([(one, held) for one in keys.items]), keys.open, reader.span(node))
    word = callee.rpartition(".")[2]
    if word == "get" or word == "pop" or (word in OF_INI and callee[:13] == "configparser."):
        if reader.project.has_function(callee):
            return None  # a method of the project that is called like that of a mapping
        return folded_get(reader, node, owner, args, keywords)
    if word in METHODS and not args and not keywords and type(owner) is Call:
        return dumped(reader.project, owner, reader.span(node), word)
    if word == "format" and (type(owner) is Constant or type(owner) is Format):
        return braces(*attributes_taken(reader, owner, list(args), dict(keywords)), node, reader)
    if word == "format_map" and len(args) == 1 and (type(owner) is Constant or type(owner) is Format):
        return _by_mapping(reader, node, owner, args[0])
    if (
        word in ("substitute", "safe_substitute")
        and type(owner) is Call
        and owner.callee == "string.Template"
        and owner.args
    ):
        given = [
            inner for one in args for inner in ([value for _, value in one.items] if type(one) is Mapping else [one])
        ]
        return formatted(reader, [owner.args[0], *given, *filled_by_template(owner.args[0], keywords), NOTHING], node)
    if word == "join" and len(args) == 1 and type(owner) is Constant:
        inner = joined_by_keys(args[0])
        if type(inner) is Sequence and not inner.open and all(type(one) in (Constant, Choice) for one in inner.items):
            between = [part for one in inner.items for part in (owner, one)][1:]
            return formatted(reader, between, node)
        return new_format(inner.items if type(inner) is Sequence else (new_unknown((inner,)),), reader.span(node))
    if word in TEXT_METHODS and type(owner) in (Constant, Choice) and len(args) <= 2:
        return _folded_text(owner, word, args)
    if word == "to_bytes" and type(owner) is Constant and type(owner.value) is int and owner.value >= 0:
        return _to_bytes(owner, args)
    if word == "get_secret_value":
        return _unwrapped(owner)
    if word == "copy" and type(owner) is Mapping and not args:
        return owner
    if word == "split" and type(owner) is Constant and type(owner.value) is str:
        separator = args[0].value if args and type(args[0]) is Constant else None
        if (separator is None or type(separator) is str) and separator != "" and len(args) <= 1:
            return new_sequence(
                tuple(new_constant(part, owner.span) for part in owner.value.split(separator)[:64]),
                "list",
                False,
                reader.span(node),
            )
    return None


def _environment(
    reader: Reader,
    node: ast.Call,
    callee: str,
    args: tuple[Value, ...],
    keywords: dict[str, Value],
    owner: Value | None,
) -> Value:
    variable = args[0].value if type(args[0]) is Constant else ""
    place = 2 if callee in _CASTS else 1
    default: Value | None = args[place] if len(args) > place else keywords.get("default")
    table = reader.value(node.func) if callee == "environ.Env.__call__" and type(node.func) is not ast.Call else owner
    if default is None and type(table) is Call and table.callee in _TABLES:
        said = table.keyword(str(variable))
        default = said.items[1] if type(said) is Sequence and len(said.items) == 2 else None
    if default is None and callee in ("os.environ.get", "os.getenv"):
        default = NONE
    text = str(variable)
    return EnvironmentValue(text, default, reader.span(node), text if sensitive(text) else "")


def _not_empty(args: tuple[Value, ...]) -> tuple[Value, ...] | None:
    """``next(filter(None, [first, second]), third)``: the first of them that there is."""
    kept = args[0] if type(args[0]) is Call and args[0].callee == "filter" and len(args[0].args) == 2 else None
    held = kept.args[1] if kept is not None and is_constant(kept.args[0], None) else None
    return (*held.items, *args[1:]) if type(held) is Sequence and not held.open and held.items else None


def _folded_builtin(
    reader: Reader,
    node: ast.Call,
    callee: str,
    args: tuple[Value, ...],
    keywords: tuple[tuple[str, Value], ...],
    is_open: bool,
) -> Value | None:
    if callee == "dict":
        if not args:
            pairs: tuple[tuple[Value, Value], ...] = tuple(
                (new_constant(key), value) for key, value in keywords if key != "**"
            )
            return new_mapping(pairs, is_open, reader.span(node))
        given = as_mapping(args[0])
        if len(args) == 1 and type(given) is Mapping:
            pairs = given.items + tuple((new_constant(key), value) for key, value in keywords if key != "**")
            return new_mapping(pairs, is_open or given.open, reader.span(node))
    elif callee in ("bytes", "bytearray") and len(args) == 1 and type(args[0]) is Sequence and not args[0].open:
        numbers = args[0].plain()
        if len(numbers) == len(args[0].items) and all(type(one) is int and 0 <= one < 256 for one in numbers):
            return new_constant(bytes([one for one in numbers if type(one) is int]), reader.span(node))
    elif (callee == "str" and args and type(args[0]) is Choice and _all_texts(args[0])) or (
        callee == "str"
        and len(args) == 1
        and type(args[0]) is EnvironmentValue
        and not is_constant(args[0].default, None)
    ):
        return args[0]
    elif callee == "next" and args and (several := _not_empty(args)) is not None:
        return either(*several)
    elif callee == "chr" and len(args) == 1 and type(args[0]) is Constant and type(args[0].value) is int:
        return new_constant(chr(args[0].value), args[0].span) if 0 <= args[0].value < 0x110000 else None
    elif callee == "bool" and len(args) == 1 and type(args[0]) is Constant:
        return new_constant(bool(args[0].value), args[0].span, args[0].name)
    elif callee in ("int", "str", "float") and len(args) == 1 and type(args[0]) is Constant and not keywords:
        return _cast(callee, args[0])
    elif callee in CONTAINERS and len(args) <= 1 and not keywords:
        if not args:
            return new_sequence((), "set" if CONTAINERS[callee] == "set" else "list", False, reader.span(node))
        if type(args[0]) is Sequence:
            kind = args[0].kind if callee not in ("set", "frozenset") else "set"
            return new_sequence(args[0].items, kind, args[0].open, reader.span(node))
    elif callee == "sorted" and len(args) == 1 and not keywords and _is_of_texts(args[0]):
        return new_sequence(args[0].items, "list", False, reader.span(node))
    elif callee == "getattr" and len(args) >= 2 and type(args[1]) is Constant and type(args[1].value) is str:
        found = attribute(reader, args[0], args[1].value)
        return args[2] if len(args) == 3 and _is_not_there(reader, args[0], found) else found
    elif callee == "getattr" and len(args) == 2 and type(args[0]) is Name and args[0].dotted == "flask.request":
        parts = [
            text_of(one) for one in options(args[1])
        ]  # ``getattr(request, place)``, where a table says which places
        named_parts = [one for one in parts if one is not None]
        if len(named_parts) == len(parts):
            return either(*[attribute(reader, args[0], one) for one in named_parts])
    elif callee in ("zip", "enumerate") and args and all(type(one) is Sequence and not one.open for one in args):
        columns = [one.items for one in args if type(one) is Sequence]
        if callee == "enumerate":
            columns = [tuple([new_constant(number) for number in range(len(columns[0]))]), columns[0]]
        rows = [new_sequence(row, "tuple", False, None) for row in zip(*columns, strict=False)]
        return new_sequence(tuple(rows), "list", False, reader.span(node))
    return None


def _is_of_texts(value: Value) -> TypeGuard[Sequence]:
    """That it is written out, text by text: in which order they stand says nothing."""
    return type(value) is Sequence and not value.open and all(text_of(one) is not None for one in value.items)


_MADE_OF: Final = frozenset({"collections.ChainMap"})


def _chained(args: tuple[Value, ...], span: Span) -> Value:
    """``ChainMap(first, second)``: what the first says comes last."""
    pairs: list[tuple[Value, Value]] = []
    for one in reversed(args):
        pairs += one.items if type(one) is Mapping else [(NOTHING, one)]
    return new_mapping(tuple(pairs), any(type(one) is not Mapping or one.open for one in args), span)


def is_typed_dict(reader: Reader, name: str) -> bool:
    """That the class is a ``TypedDict``, which makes plain mappings."""
    found = reader.project.classes.get(name)
    return found is not None and any(base.rpartition(".")[2] == "TypedDict" for base in found.bases)


def _by_mapping(reader: Reader, node: ast.expr, owner: Constant | Format, given: Value) -> Value:
    """``"whois {domain}".format_map({"domain": domain})``: as ``format(**given)``, where the names are seen."""
    if type(given) is Mapping and not given.open:
        named = {key.value: held for key, held in given.items if type(key) is Constant and type(key.value) is str}
        return braces(owner, [], named, node, reader)
    return new_format((owner, new_unknown((given,))), reader.span(node))


def _to_bytes(owner: Constant, args: tuple[Value, ...]) -> Value | None:
    length, order = (args[0] if args else NONE), (args[1] if len(args) > 1 else new_constant("big"))
    if type(length) is not Constant or type(length.value) is not int or not 0 < length.value <= 512:
        return None
    try:
        is_little = type(order) is Constant and order.value == "little"
        return new_constant(int(str(owner.value)).to_bytes(length.value, "little" if is_little else "big"), owner.span)
    except (OverflowError, ValueError):
        return None


def _cast(callee: str, given: Constant) -> Value | None:
    """``int("3600")``; what cannot be read as a number stays a call."""
    said = given.value
    if not isinstance(said, (str, int, float)) or len(str(said)[:40]) > 32:
        return None
    try:
        made = int(said) if callee == "int" else float(said) if callee == "float" else str(said)
    except (ValueError, OverflowError):
        return None
    return new_constant(made, given.span, given.name)


def _is_not_there(reader: Reader, owner: Value, found: Value) -> bool:
    """That a module or class of the project, which is read to its end, has no such name."""
    return (
        type(owner) is Name
        and type(found) is Name
        and found.dotted.startswith(f"{owner.dotted}.")
        and (owner.dotted in reader.project.classes or reader.project.load(reader.module, owner.dotted) is not None)
        and not reader.project.has_function(found.dotted)
    )


def _all_texts(value: Choice) -> bool:
    return all(type(one) is Constant and type(one.value) is str for one in value.options)


def _folded_text(owner: Value, word: str, args: tuple[Value, ...]) -> Value | None:
    if type(owner) is Choice:  # each of them, in their order: they may be a column of a table
        each = (
            []
            if owner.every or word in ("encode", "decode")
            else [_folded_text(one, word, args) for one in owner.options]
        )
        made = [one for one in each if one is not None]
        return new_choice(tuple(made)) if made and len(made) == len(each) else None
    if type(owner) is not Constant or not all(type(arg) is Constant and type(arg.value) in (str, int) for arg in args):
        return None
    given = [arg.value for arg in args if type(arg) is Constant]
    if word == "replace" and (type(owner.value) is not str or len(owner.value) * len(str(given[-1:])) > LARGEST_TEXT):
        return None
    try:
        if type(owner.value) is str and word != "decode":
            return new_constant(getattr(owner.value, word)(*given), owner.span, owner.name)
        if type(owner.value) is bytes and word == "decode":
            return new_constant(owner.value.decode(*[str(part) for part in given]), owner.span, owner.name)
        if type(owner.value) is bytes and word in ("hex", "strip", "upper", "lower"):
            return new_constant(getattr(owner.value, word)(*given), owner.span, owner.name)
    except (AttributeError, LookupError, ValueError, TypeError, MemoryError):
        return None
    return None


def _unwrapped(owner: Value) -> Value | None:
    """What pydantic's wrapper keeps out of texts and gives back as it is; of a setting, what stands in for it as well."""
    if type(owner) is Call and owner.args and "Secret" in owner.callee:
        return owner.args[0]
    if type(owner) is Constant:
        return owner
    if type(owner) is not EnvironmentValue:
        return None
    inside = _unwrapped(owner.default) if type(owner.default) is Call else None
    return owner if inside is None else changed(owner, default=inside)
