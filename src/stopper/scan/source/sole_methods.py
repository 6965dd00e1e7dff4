"""Methods that one class of the project alone has: a call of that name on an object of unknown class is theirs."""

import re
from typing import Final

from stopper.core.flow.view_functions import VERBS
from stopper.core.values import Call, ConfigValue, Constant, Item, Member, Name, Value
from stopper.scan.source.implementations import only_declares
from stopper.scan.source.project import Project
from stopper.scan.source.renaming import hand, note_called, rename, rename_in_functions

_BUILT_IN: Final = frozenset(
    word for kind in (str, bytes, dict, list, set, tuple, int, float, object) for word in dir(kind)
)
_EVERYBODYS: Final = VERBS | frozenset({
    "add", "all", "apply", "authenticate", "begin", "build", "call", "check", "close", "commit", "connect", "consume", "count",
    "create", "cursor", "decrypt", "delete", "dispatch", "dump", "dumps", "emit", "encrypt", "exchange", "execute", "exists", "expire",
    "fetch", "fetchall", "fetchone", "filter", "filter_by", "find", "find_one", "first", "flush", "generate", "getvalue", "group_by",
    "handle", "hash", "incr", "init_app", "insert", "insert_one", "json", "limit", "list", "load", "loads", "lock", "login", "logout",
    "map", "match", "merge", "name", "next", "offset", "on", "one", "open", "order_by", "paginate", "parse", "process", "publish",
    "push", "query", "raw", "read", "refresh", "register", "release", "render", "request", "reset", "result", "rollback", "run", "save",
    "scalar", "scalars", "search", "select", "send", "set", "setex", "sign", "start", "status", "stop", "submit", "text",
    "token", "transform", "type", "url", "user", "validate", "value", "values", "verify", "where", "write", "xadd",
})  # fmt: skip
"""Words that libraries use for methods of their own: such a call says too little."""


def name_sole_methods(project: Project, tests: frozenset[str]) -> None:
    """Give calls ``?.word`` the name of the one method of the project that is called *word*. Words that libraries use stay as they are."""
    owners: dict[str, list[str]] = {}
    for name, function in project.functions.items():
        word = name.rpartition(".")[2]
        if not function.owner or word.startswith("_") or word in _BUILT_IN or word in _EVERYBODYS:
            continue
        if not only_declares(project, function):
            owners.setdefault(word, []).append("" if function.span.path in tests else name)
    sole = {f"?.{word}": names[0] for word, names in owners.items() if len(names) == 1 and names[0]}
    _name_kept(project, tests)
    if not sole:
        return
    for call in project.calls:
        found = sole.get(call.callee)
        if found is not None and call.receiver is not None and not _is_above(call.receiver):
            rename(call, found)
    rename_in_functions(project, sole)


_OF_APP: Final = re.compile(r"flask\.(current_app|Flask|g)\.([A-Za-z]\w*)\.(\w+)")
_EXTENSIONS: Final = (".extensions",)


def _name_kept(project: Project, tests: frozenset[str]) -> None:
    """Name methods of what an application keeps: ``app.extensions["notes"] = Notes(session)``, and elsewhere
    ``current_app.extensions["notes"].find(number)``."""
    kept = _kept(project, tests)
    found: dict[str, list[str]] = {}
    for call in project.calls if kept else ():
        place, word = _asked(call)
        made = kept.get(place)
        method = project.attribute(made.callee, word) if made is not None else None
        if made is not None and type(method) is Name and method.dotted != call.callee:
            rename(call, method.dotted)
            if place[0] != "g":
                hand(call, made)
            found.setdefault(call.function, []).append(method.dotted)
    note_called(project, found)


def _kept(project: Project, tests: frozenset[str]) -> dict[tuple[str, str], Call]:
    """Where an object of one class of the project is put, with the call that makes it: in ``extensions``, on the application, on ``g``, in a
    setting."""
    put = [
        ((home, one.attribute or one.target.strip("[]\"'")), one.value)
        for one in project.assignments
        if one.span.path not in tests and one.into is not None and (home := _home(one.into))
    ]
    put += [(("config", one.key), one.value) for one in project.config if one.span.path not in tests]
    kept: dict[tuple[str, str], Call | None] = {}
    for place, value in put:
        made = value if type(value) is Call else None
        known = kept.setdefault(place, made)
        if made is None or known is None or known.callee != made.callee or made.callee not in project.classes:
            kept[place] = None
    return {place: made for place, made in kept.items() if made is not None}


def _home(into: Value) -> str:
    if type(into) is Member and into.attribute == "extensions":
        return "extensions"
    dotted = into.dotted if type(into) is Name else into.callee if type(into) is Call else ""
    if dotted.endswith(_EXTENSIONS):
        return "extensions"
    if dotted == "flask.g":
        return "g"
    return "app" if dotted in ("flask.Flask", "flask.current_app") else ""


def _asked(call: Call) -> tuple[tuple[str, str], str]:
    """The place that a method's object is taken from, and the method."""
    held = call.receiver
    if call.callee.startswith("?.") and type(held) is Item and type(held.key) is Constant and type(held.owner) is Name:
        home = "extensions" if held.owner.dotted.endswith(_EXTENSIONS) else ""
        return (home, str(held.key.value)), call.callee[2:]
    if call.callee.startswith("?.") and type(held) is ConfigValue:
        return ("config", held.key), call.callee[2:]
    match = _OF_APP.fullmatch(call.callee)
    if match is None:
        return ("", ""), ""
    return ("g" if match[1] == "g" else "app", match[2]), match[3]


def _is_above(receiver: Value) -> bool:
    """``super()``, whose methods are those of a library."""
    return isinstance(receiver, Call) and receiver.callee == "super"
