"""From a call to its value and facts: names, folded look-ups, settings written."""

import ast
from typing import Final

from stopper.core.naming import sensitive
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Unknown,
    Value,
)
from stopper.scan.source import names
from stopper.scan.source.drafts import new_call, new_constant, new_format, new_mapping, new_sequence, new_unknown
from stopper.scan.source.folding import braces, formatted, one_mapping
from stopper.scan.source.hook_tables import row_extended
from stopper.scan.source.lookups import LOADS, attribute, item, parsed_file, request_part
from stopper.scan.source.project import Registration
from stopper.scan.source.reader import NONE, NOTHING, READERS, Reader, canonical, either, named
from stopper.scan.source.removing import take_out
from stopper.scan.source.rows import method_of_object
from stopper.scan.source.settings_calls import config_call
from stopper.scan.source.sinks import record_sinks
from stopper.scan.source.straight import result_of
from stopper.scan.source.wsgi_names import AGAIN, request_again

ENVIRONMENT: Final = frozenset(
    {
        "os.environ.get",
        "os.getenv",
        "os.environ.setdefault",
        "os.environ.pop",
        "decouple.config",
        "starlette.config.Config",
    }
    | {f"environs.Env.{kind}" for kind in ("str", "bool", "int", "float", "list", "__call__", "timedelta", "url")}
    | {"environ.Env.str", "environ.Env.bool", "environ.Env.int", "environs.Env"}
)

CONTAINERS: Final = {"list": "list", "tuple": "tuple", "set": "set", "frozenset": "set"}

TEXT_METHODS: Final = frozenset({"strip", "lower", "upper", "encode", "decode", "lstrip", "rstrip", "title"})

MEMBER_READS: Final = (Item, Mapping, Parameter, Unknown, Member)

REGISTRATIONS: Final = frozenset({
    "add_url_rule", "register_blueprint", "add_resource", "add_namespace", "register_error_handler",
    "before_request", "register_api", "before_app_request", "after_request", "after_app_request", "errorhandler",
    "app_errorhandler", "init_app",
})  # fmt: skip


def read_call(reader: Reader, node: ast.Call) -> Value:
    """The value of a call. Look-ups with a known answer are folded; everything else is recorded as a Call."""
    function = node.func
    receiver: Value | None = None
    before: Call | None = None
    if type(function) is ast.Attribute:
        owner = reader.value(function.value)
        callee = _method_name(reader, owner, function.attr)
        receiver = None if type(owner) is Name and not owner.name else owner
    else:
        owner = None
        called = reader.value(function)
        before = called if type(called) is Call and called.callee == "functools.partial" and called.args else None
        receiver = called if type(called) in _CALLED and before is None else None  # ``guard(option)(view)``
        callee = _function_name(reader, called if before is None else before.args[0])
    args, keywords, is_open = _arguments(reader, node)
    if before is not None:
        args, keywords, is_open = _after_partial(before, args, keywords, is_open)
    folded = _folded(reader, node, owner, callee, args, keywords, is_open)
    if type(function) is ast.Attribute and function.attr == "pop" and args:
        take_out(reader, function.value, args[0])
    if folded is not None:
        if type(function) is ast.Attribute and function.attr in ("pop", "setdefault"):
            # It also takes something out, or puts it in, which is a fact.
            taken = new_call(callee, args, keywords, is_open, receiver, reader.function, reader.span(node))
            reader.project.calls.append(taken)
        return folded
    call = new_call(callee, args, keywords, is_open, receiver, reader.function, reader.span(node))
    reader.calls.append(callee)
    project = reader.project
    project.calls.append(call)
    if reader.under:
        project.under[id(call)] = reader.under
    word = callee.rpartition(".")[2]
    if owner is not None:
        if word in _CONFIG_WRITERS and reader.is_config(owner):
            config_call(reader, call, word)
        if (word in REGISTRATIONS and _registers(callee)) or (word.endswith("_resource") and word.startswith("add_")):
            project.registrations.append(Registration(word, owner, call, "", call.span or reader.span(node)))
        if word in ("append", "extend", "insert"):
            row_extended(reader, owner, call)
    record_sinks(reader, call, word, owner)
    if reader.follows and project.has_function(callee):
        given = result_of(reader, call)
        return call if given is None else given
    return call


def _after_partial(
    before: Call, args: tuple[Value, ...], keywords: tuple[tuple[str, Value], ...], is_open: bool
) -> tuple[tuple[Value, ...], tuple[tuple[str, Value], ...], bool]:
    """What a call passes through ``functools.partial``: the kept arguments first, a keyword that is said again anew."""
    said = {name for name, _ in keywords}
    kept = tuple(pair for pair in before.keywords if pair[0] not in said)
    return (*before.args[1:], *args), (*kept, *keywords), is_open or before.open


_CALLED: Final = frozenset({Call, Item})
_CONFIG_WRITERS: Final = frozenset(
    {"update", "from_mapping", "from_object", "from_pyfile", "setdefault", "from_prefixed_env", "from_file"}
)


def _registers(callee: str) -> bool:
    return not callee.startswith(("requests.", "httpx.", "flask.request", "os.", "flask.session", "flask.testing"))


def _method_name(reader: Reader, owner: Value, name: str) -> str:
    if type(owner) is Name:
        known = attribute(reader, owner, name)
        if type(known) is Name:
            return (
                canonical(names.INSTANCES.get(owner.dotted, owner.dotted) + "." + name)
                if known.dotted.endswith("." + name) and owner.dotted in names.INSTANCES
                else known.dotted
            )
        return (
            _function_name(reader, known)
            if type(known) is not Call
            else _callable(reader, known, owner.dotted + "." + name)
        )
    base = reader.dotted(owner)
    if base is None:
        return method_of_object(reader, owner, name) or "?." + name
    if base in ("flask.Flask", "flask.Blueprint") and type(owner) is Call and owner.callee in reader.project.classes:
        base = owner.callee if reader.project.attribute(owner.callee, name) is not None else base
    if base in reader.project.classes:
        method = reader.project.attribute(base, name)
        if type(method) is Name:
            return method.dotted
        base = (reader.project.api_of(base) or base) if method is None else base
    return canonical(f"{base}.{name}")


def _callable(reader: Reader, value: Call, otherwise: str) -> str:
    found = reader.dotted(value)
    return found if found is not None else otherwise


def _function_name(reader: Reader, value: Value) -> str:
    if type(value) is Name:
        return canonical(value.dotted)
    if type(value) is Member:
        base = reader.dotted(value.owner)
        return canonical(f"{base}.{value.attribute}") if base else "?." + value.attribute
    if type(value) is Call:
        found = reader.dotted(value) or value.callee
        return f"{found}.__call__" if found[:1] != "?" else "?"
    return "?"


def _arguments(reader: Reader, node: ast.Call) -> tuple[tuple[Value, ...], tuple[tuple[str, Value], ...], bool]:
    args: list[Value] = []
    is_open = False
    for argument in node.args:
        if type(argument) is not ast.Starred:
            args.append(READERS[type(argument)](reader, argument))
        else:
            inner = reader.value(argument.value)
            if type(inner) is Sequence and not inner.open:
                args.extend(inner.items)
            else:
                args.append(new_unknown((inner,)))
                is_open = True
    keywords: list[tuple[str, Value]] = []
    for keyword in node.keywords:
        value = READERS[type(keyword.value)](reader, keyword.value)
        if keyword.arg is not None:
            reader.project.words.add(keyword.arg)
            keywords.append((keyword.arg, named(value, keyword.arg) if sensitive(keyword.arg) else value))
        elif type(value := one_mapping(value)) is Mapping:
            keywords.extend(
                (key.value, held) for key, held in value.items if type(key) is Constant and type(key.value) is str
            )
            is_open = is_open or value.open
            if value.open and any(type(key) is not Constant for key, _ in value.items):
                keywords.append(("**", value))
        else:
            keywords.append(("**", value))
            is_open = True
    return tuple(args), tuple(keywords), is_open


def _folded(
    reader: Reader, node: ast.Call, owner: Value | None, callee: str, args: tuple[Value, ...],
    keywords: tuple[tuple[str, Value], ...], is_open: bool,
) -> Value | None:  # fmt: skip
    if callee in ENVIRONMENT and args and type(args[0]) is Constant and type(args[0].value) is str:
        return _environment(reader, node, callee, args, dict(keywords))
    if callee in AGAIN and (again := request_again(args)) is not None:
        return again
    if callee in LOADS and reader.project.settings_texts:
        return parsed_file(reader, args)
    if owner is None:
        return _folded_builtin(reader, node, callee, args, keywords, is_open)
    if callee == "dict.fromkeys" and args and type(args[0]) is Sequence:
        keys, held = args[0], args[1] if len(args) > 1 else NONE
        return new_mapping(tuple([(one, held) for one in keys.items]), keys.open, reader.span(node))
    word = callee.rpartition(".")[2]
    if word == "get" or word == "pop":
        return _folded_get(reader, node, owner, args, keywords)
    if word == "format" and (type(owner) is Constant or type(owner) is Format):
        return braces(owner, list(args), dict(keywords), node, reader)
    if (
        word in ("substitute", "safe_substitute")
        and type(owner) is Call
        and owner.callee == "string.Template"
        and owner.args
    ):
        given = [
            inner for one in args for inner in ([value for _, value in one.items] if type(one) is Mapping else [one])
        ]
        return formatted(reader, [owner.args[0], *given, *(value for _, value in keywords), NOTHING], node)
    if word == "join" and len(args) == 1 and type(owner) is Constant:
        inner = args[0]
        if type(inner) is Sequence and not inner.open and all(type(one) in (Constant, Choice) for one in inner.items):
            between = [part for one in inner.items for part in (owner, one)][1:]
            return formatted(reader, between, node)
        return new_format(inner.items if type(inner) is Sequence else (new_unknown((inner,)),), reader.span(node))
    if word in TEXT_METHODS and type(owner) is Constant and len(args) <= 1:
        return _folded_text(owner, word, args)
    if word == "get_secret_value" and type(owner) is Call and owner.args and "Secret" in owner.callee:
        return owner.args[0]  # pydantic's wrapper keeps it out of texts, and gives it back as it is
    if word == "get_secret_value" and type(owner) is EnvironmentValue:
        return owner
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
    reader: Reader, node: ast.Call, callee: str, args: tuple[Value, ...], keywords: dict[str, Value]
) -> Value:
    variable = args[0].value if type(args[0]) is Constant else ""
    default: Value | None = args[1] if len(args) > 1 else keywords.get("default")
    if default is None and callee in ("os.environ.get", "os.getenv"):
        default = NONE
    text = str(variable)
    return EnvironmentValue(text, default, reader.span(node), text if sensitive(text) else "")


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
        if len(args) == 1 and type(args[0]) is Mapping:
            pairs = args[0].items + tuple((new_constant(key), value) for key, value in keywords if key != "**")
            return new_mapping(pairs, is_open or args[0].open, reader.span(node))
    elif callee == "str" and args and type(args[0]) is Choice and _all_texts(args[0]):
        return args[0]
    elif callee in CONTAINERS and len(args) <= 1 and not keywords:
        if not args:
            return new_sequence((), "set" if CONTAINERS[callee] == "set" else "list", False, reader.span(node))
        if type(args[0]) is Sequence:
            kind = args[0].kind if callee not in ("set", "frozenset") else "set"
            return new_sequence(args[0].items, kind, args[0].open, reader.span(node))
    elif callee == "getattr" and len(args) >= 2 and type(args[1]) is Constant and type(args[1].value) is str:
        return attribute(reader, args[0], args[1].value)
    return None


def _folded_get(
    reader: Reader, node: ast.Call, owner: Value, args: tuple[Value, ...], keywords: tuple[tuple[str, Value], ...]
) -> Value | None:
    if len(args) not in (1, 2):
        return None
    named_only = {key: value for key, value in keywords if key in ("default", "type", "silent")}
    if len(named_only) != len(keywords):
        return None
    key = next(iter(args))
    default = args[1] if len(args) == 2 else named_only.get("default", NONE)
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
    if type(owner) is Choice and text is not None and request_part(owner):
        places = [one for one in owner.options if type(one) is Name and request_part(one)]
        if len(places) == len(owner.options):  # ``for place in (request.headers, request.args): place.get("X")``
            return either(*[item(reader, one, key, default, node) for one in places])
        return item(reader, owner, key, default, node)
    if (
        isinstance(owner, MEMBER_READS)
        and (text is None or not text.startswith(("/", "http")))
        and reader.dotted(owner) is None
    ):
        return item(reader, owner, key, default, node)
    if reader.is_config(owner):
        return item(reader, owner, key, default, node)
    if type(owner) is Call and (
        _gives_mapping(owner.callee) or (_is_word(text) and reader.project.has_function(owner.callee))
    ):
        return item(reader, owner, key, default, node)
    return None


def _without_empty(owner: Value) -> Value:
    """``request.get_json() or {}`` without the empty one."""
    if type(owner) is not Choice or owner.every:
        return owner
    full = [one for one in owner.options if not (type(one) is Mapping and not one.items and not one.open)]
    return full[0] if len(full) == 1 else owner


def _all_texts(value: Choice) -> bool:
    return all(type(one) is Constant and type(one.value) is str for one in value.options)


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


def _folded_text(owner: Constant, word: str, args: tuple[Value, ...]) -> Value | None:
    if not all(type(arg) is Constant and type(arg.value) is str for arg in args):
        return None
    given = [arg.value for arg in args if type(arg) is Constant]
    try:
        if type(owner.value) is str and word != "decode":
            return new_constant(getattr(owner.value, word)(*given), owner.span, owner.name)
        if type(owner.value) is bytes and word == "decode":
            return new_constant(owner.value.decode(*[str(part) for part in given]), owner.span, owner.name)
    except (LookupError, ValueError, TypeError):
        return None
    return None
