"""Methods that one class of the project alone has: a call of that name on an object of unknown class is theirs."""

from typing import Final

from stopper.core.view_functions import VERBS
from stopper.scan.source.project import Project

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
        if function.owner and not word.startswith("_") and word not in _BUILT_IN and word not in _EVERYBODYS:
            owners.setdefault(word, []).append("" if function.span.path in tests else name)
    sole = {f"?.{word}": names[0] for word, names in owners.items() if len(names) == 1 and names[0]}
    if not sole:
        return
    for call in project.calls:
        found = sole.get(call.callee)
        if found is not None and call.receiver is not None:
            object.__setattr__(call, "callee", found)
    for function in project.functions.values():
        if not sole.keys().isdisjoint(function.calls):
            object.__setattr__(function, "calls", tuple(sole.get(one, one) for one in function.calls))
