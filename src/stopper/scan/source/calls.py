"""From a call to its value and facts: names, folded look-ups, settings written."""

import ast
from typing import Final

from stopper.core.naming import sensitive
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Item,
    Mapping,
    Member,
    Name,
    Parameter,
    Sequence,
    Unknown,
    Value,
    walk,
)
from stopper.scan.source import names
from stopper.scan.source.asked_settings import setting_asked
from stopper.scan.source.cursors import FETCHES, keep_statement, statement_before
from stopper.scan.source.drafts import new_call, new_comparison, new_truth, new_unknown
from stopper.scan.source.elements import is_enum
from stopper.scan.source.evaluating import DISPLAYS, evaluated
from stopper.scan.source.folded_calls import folded
from stopper.scan.source.folding import one_mapping
from stopper.scan.source.forwarding import forwarded
from stopper.scan.source.hook_tables import row_extended
from stopper.scan.source.lookups import attribute
from stopper.scan.source.picking import LITERAL, picked, result_of_several
from stopper.scan.source.project import Registration
from stopper.scan.source.provided import PROVIDERS, provided, provider
from stopper.scan.source.reader import READERS, Reader, canonical, named
from stopper.scan.source.registers import put_by_call, taken_by_call
from stopper.scan.source.removing import take_out
from stopper.scan.source.rows import method_of_base, method_of_object
from stopper.scan.source.settings_calls import attributes_set, config_call
from stopper.scan.source.sinks import record_sinks
from stopper.scan.source.straight import result_of
from stopper.scan.source.table_calls import also_called, rows_called

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
    several: Value | None = None
    if type(function) is ast.Attribute:
        owner = several = _of_class(reader, reader.value(function.value))
        if (made := provided(reader, owner, function.attr)) is not None:
            return made
        callee = _method_name(reader, owner, function.attr)
        receiver = None if type(owner) is Name and not owner.name else owner
        if function.attr in FETCHES:
            receiver = statement_before(reader, function.value, owner)
    else:
        owner = None
        called = several = reader.value(function)
        if type(called) is Unknown and not node.args and not node.keywords and (made := _by_lambda(called)) is not None:
            return made
        before = called if type(called) is Call and called.callee == "functools.partial" and called.args else None
        receiver = called if type(called) in _CALLED and before is None else None  # ``guard(option)(view)``
        meant = called if before is None else before.args[0]
        callee = _function_name(reader, meant)
        receiver = meant.owner if type(meant) is Member else receiver  # ``fetch = partial(session.get, timeout=5)``
    args, keywords, is_open = _arguments(reader, node)
    if before is not None:
        args, keywords, is_open = _after_partial(before, args, keywords, is_open)
    if (asked := _compared(reader, node, owner, callee, args)) is not None:
        return asked
    known = folded(reader, node, owner, callee, args, keywords, is_open)
    if type(function) is ast.Attribute and function.attr == "pop" and args:
        take_out(reader, function.value, args[0])
    if known is not None:
        if type(function) is ast.Attribute and function.attr in ("pop", "setdefault"):
            # It also takes something out, or puts it in, which is a fact.
            taken = new_call(callee, args, keywords, is_open, receiver, reader.function, reader.span(node))
            reader.project.calls.append(taken)
        return known
    call = new_call(callee, args, keywords, is_open, receiver, reader.function, reader.span(node))
    if callee in PROVIDERS:
        call = provider(reader, call)
    reader.calls.append(callee)
    project = reader.project
    project.calls.append(call)
    if reader.under:
        project.under[id(call)] = reader.under
    word = callee.rpartition(".")[2]
    if type(several) is Item or type(several) is Choice:
        for name in also_called(project, several, callee, word if owner is not None else ""):
            other = new_call(name, args, keywords, is_open, receiver, reader.function, reader.span(node))
            reader.calls.append(name)
            project.calls.append(other)
            if reader.under:
                project.under[id(other)] = reader.under
        for other in rows_called(reader, node, several) if owner is None else ():
            project.calls.append(other)
            record_sinks(reader, other, other.method, None)
    if owner is not None:
        if word in _CONFIG_WRITERS and reader.is_config(owner):
            config_call(reader, call, word)
        if (word in REGISTRATIONS and _registers(callee)) or (word.endswith("_resource") and word.startswith("add_")):
            project.registrations.append(Registration(word, owner, call, "", call.span or reader.span(node)))
        if word in ("append", "extend", "insert"):
            row_extended(reader, owner, call)
        if word == "execute" and type(function) is ast.Attribute:
            keep_statement(reader, function.value, call)
        if word == "__init__" and type(owner) is Call and owner.callee == "super":
            project.super_calls.setdefault(callee, []).append(call)
    elif callee == "setattr" and len(args) == 3:
        attributes_set(reader, call, node.args[0])
    record_sinks(reader, call, word, owner)
    if reader.follows and project.has_function(callee):
        if (said := setting_asked(project, call)) is not None:
            return said
        if (handed := forwarded(reader, call)) is not None:
            return _handed_through(reader, node, handed)
        put_by_call(reader, call)
        if (found := taken_by_call(reader, call)) is not None:
            return found
        given = result_of(reader, call)
        if (given is None or type(given) in DISPLAYS) and (seen := evaluated(reader, call)) is not None:
            given = seen
        if owner is not None and (several := result_of_several(reader, call, owner, word, given)) is not None:
            return several
        return call if given is None else given
    return call


def _of_class(reader: Reader, owner: Value) -> Value:
    """``Settings[str].get(…)``: the class itself, whatever its type variable stands for."""
    if type(owner) is not Item or type(owner.owner) is not Name or type(owner.key) not in (Name, Sequence, Item):
        return owner
    of_project = owner.owner.dotted in reader.project.classes and not is_enum(reader, owner.owner.dotted)
    return owner.owner if of_project else owner


_COMPARING: Final = {"operator.eq": "==", "operator.ne": "!=", "__eq__": "==", "__ne__": "!="}


def _compared(
    reader: Reader, node: ast.Call, owner: Value | None, callee: str, args: tuple[Value, ...]
) -> Value | None:
    """``operator.eq(one, other)`` and ``one.__eq__(other)`` are comparisons, written otherwise."""
    of_object = owner is not None and callee not in _COMPARING
    sign = _COMPARING.get(callee.rpartition(".")[2] if of_object else callee)
    sides = (owner, *args) if of_object and owner is not None else args
    if sign is None or len(sides) != 2 or (type(owner) is Call and owner.callee == "super"):
        return None
    left, right = sides
    reader.project.comparisons.append(new_comparison(sign, left, right, reader.span(node), reader.function, None))
    return new_truth((left, right), differs=sign == "!=")


def _handed_through(reader: Reader, node: ast.Call, handed: Call) -> Value:
    """The call of what a function hands on to, as one that stands where the function is called."""
    known = folded(reader, node, handed.receiver, handed.callee, handed.args, handed.keywords, handed.open)
    if known is not None:
        return known
    reader.calls.append(handed.callee)
    reader.project.calls.append(handed)
    if reader.under:
        reader.project.under[id(handed)] = reader.under
    record_sinks(reader, handed, handed.method, handed.receiver)
    given = result_of(reader, handed) if reader.project.has_function(handed.callee) else None
    return handed if given is None else given


def _by_lambda(called: Unknown) -> Value | None:
    """What ``SOURCES["fixed"]()`` gives where a lambda stands there that gives a literal or a setting."""
    return called.parts[0] if len(called.parts) == 1 and type(called.parts[0]) in LITERAL else None


def _after_partial(
    before: Call, args: tuple[Value, ...], keywords: tuple[tuple[str, Value], ...], is_open: bool
) -> tuple[tuple[Value, ...], tuple[tuple[str, Value], ...], bool]:
    """What a call passes through ``functools.partial``: the kept arguments first, a keyword that is said again anew."""
    said = {name for name, _ in keywords}
    kept = tuple(pair for pair in before.keywords if pair[0] not in said)
    return (*before.args[1:], *args), (*kept, *keywords), is_open or before.open


_CALLED: Final = frozenset({Call, Item, Parameter})
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
    if type(owner) is Call and owner.callee == "super":
        library = reader.project.library_of(reader.owner)
        return method_of_base(reader, name) or canonical(f"{library or '?'}.{name}")
    base = reader.dotted(owner)
    if base is None and type(owner) is Item and (several := picked(owner)):
        base = reader.dotted(several[0])
    if base is None:
        return method_of_object(reader, owner, name) or "?." + name
    if base in ("flask.Flask", "flask.Blueprint") and type(owner) is Call and owner.callee in reader.project.classes:
        base = owner.callee if reader.project.attribute(owner.callee, name) is not None else base
    if base in reader.project.classes:
        method = reader.project.attribute(base, name)
        if type(method) is Name:
            return method.dotted
        if method is None:
            return canonical(reader.project.inherited(base, name))
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
        elif type(value := one_mapping(_poured(reader, value))) is Mapping:
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


def _poured(reader: Reader, value: Value) -> Value:
    """The one mapping that a function of the project puts together line by line and gives back, where nothing in it hangs on what is passed."""
    if type(value) is not Call or not reader.follows or not reader.project.has_function(value.callee):
        return value
    returned = reader.results(value.callee)
    made = returned[0] if len(returned) == 1 else None
    settled = type(made) is Mapping and not made.open and not any(type(one) is Parameter for one in walk(made, 6))
    return made if settled and made is not None else value
