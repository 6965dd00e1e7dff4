"""What a call sends where: logs, answers, other hosts, files, the database. Each becomes a flow."""

import re
from functools import lru_cache
from typing import Final, Protocol

from stopper.core.fact import SinkKind
from stopper.core.values import Call, Constant, Member, Name, Value, walk
from stopper.scan.source import names
from stopper.scan.source.drafts import new_constant, new_flow, new_mapping, new_unknown
from stopper.scan.source.project import Project


class Home(Protocol):
    """Where a call stands: a reader, or whoever learns of it later."""

    @property
    def project(self) -> Project:
        """What the flow is added to."""
        ...

    @property
    def function(self) -> str:
        """The function around the call."""
        ...


def record_sinks(home: Home, call: Call, word: str, owner: Value | None) -> None:
    for kind, position, keywords in names.SINKS.get(call.callee, ()):
        _sink(home, call, kind, position, keywords)
    if call.callee in names.DUMPS_INTO and (kind_of_log := _kind_of_log(call.argument(1, "fp", "stream"))):
        _sink(home, call, kind_of_log, 0, ())
    if owner is None:
        if _is_outbound(call.callee):
            _outbound(home, call, word)  # ``from requests import get``
        return
    if word in names.LOG_METHODS and (_is_logger(call.callee, owner) or _is_made_logger(home, owner)):
        _sink(home, call, "log", -1, ())
    elif word in ("write", "write_text", "writelines") and call.callee not in names.SINKS and _is_log_file(owner):
        _sink(home, call, "log", 0, ())
    elif word in names.METHOD_SINKS and call.callee not in names.SINKS:
        kind, position, keywords = names.METHOD_SINKS[word]
        _sink(home, call, kind, position, keywords)
    if _is_outbound(call.callee):
        _outbound(home, call, word)
    elif word in ("update", "setdefault") and type(owner) is Name and owner.dotted == "flask.session":
        _put_into_session(home, call, word)


@lru_cache(maxsize=16384)
def _is_outbound(callee: str) -> bool:
    return names.OUTBOUND.fullmatch(callee) is not None


_LOGGING: Final = ("logging.", "loguru.", "structlog.")


def _is_logger(callee: str, owner: Value) -> bool:
    if callee.startswith(_LOGGING) or ".logger." in callee:
        return True
    if type(owner) is Call and (owner.callee.startswith(_LOGGING) or ".logger." in owner.callee):
        return True  # ``logger.bind(part="http").info(…)``, ``log.getChild("db").info(…)``
    if callee.startswith("?.") or callee.count(".") == 1:
        said = (
            owner.attribute
            if type(owner) is Member
            else owner.dotted.rpartition(".")[2]
            if type(owner) is Name
            else owner.name
        )
        return names.LOGGER_NAME.match(said) is not None
    return type(owner) is Name and names.LOGGER_NAME.match(owner.dotted.rpartition(".")[2]) is not None


_MAKES_LOGGER: Final = re.compile(r"(?i)(?:.*[._])?(?:get|make|create|new|init|setup|set_up)?_?log(?:ger|_?init)?")
"""How libraries call what makes a logger of theirs."""


def _is_made_logger(home: Home, owner: Value) -> bool:
    """``self.out = somelog.LogInit(path)``: of a library that is not known; a logger of the project is read itself."""
    if type(owner) is not Call or owner.callee[:1] == "?" or _MAKES_LOGGER.fullmatch(owner.callee) is None:
        return False
    return owner.callee not in home.project.functions and owner.callee not in home.project.classes


_LOG_FILE: Final = re.compile(r"(?i)(?:^|[/_.-])(?:logs?|audit|access|debug)(?:[/_.-]|$)")


def _is_log_file(owner: Value) -> bool:
    """``open("/var/log/app/audit.log", "a")``: a file that the project writes its log into by hand."""
    return type(owner) is Call and any(
        type(part) is Constant and type(part.value) is str and _LOG_FILE.search(part.value) is not None
        for part in walk(owner, 5)
    )


def _kind_of_log(stream: Value | None) -> str:
    """What ``json.dump(entry, sys.stdout)`` is: printed; a log where the file is one by its name; else a file like others."""
    if type(stream) is Name and stream.dotted in ("sys.stdout", "sys.stderr"):
        return "print"
    return "log" if stream is not None and _is_log_file(stream) else ""


def _sink(home: Home, call: Call, kind: str, position: int | None, keywords: tuple[str, ...]) -> None:
    found: list[Value] = []
    if position == -1:
        found.extend(call.args)
    if position in (-1, -2):
        found.extend(value for key, value in call.keywords if key not in ("exc_info", "stack_info", "stacklevel"))
    elif position is not None and position < len(call.args):
        found.append(call.args[position])
    if keywords:
        found.extend(value for key, value in call.keywords if key in keywords)
    if found:
        detail = call.callee
        if kind == "cookie" and call.args and type(call.args[0]) is Constant:
            detail = str(call.args[0].value)
        _flow(home, kind, _together(tuple(found)), call, detail)


def _outbound(home: Home, call: Call, word: str) -> None:
    position = 1 if word in names.OUTBOUND_BY_METHOD and not call.callee.startswith("urllib.") else 0
    url = call.keyword("base_url") if word in names.OUTBOUND_CLIENTS else call.argument(position, "url")
    query = call.keyword("params")
    asked = [value for value in (url, query) if value is not None]
    if asked:
        _flow(home, "outbound-url", _together(tuple(asked)), call, call.callee)
    headers = call.keyword("headers", "auth")
    if headers is not None:
        _flow(home, "outbound-headers", headers, call, call.callee)
    body = call.keyword("json", "data", "content")
    if body is not None:
        _flow(home, "outbound-body", body, call, call.callee)


def _together(found: tuple[Value, ...]) -> Value:
    return found[0] if len(found) == 1 else new_unknown(found)


def _put_into_session(home: Home, call: Call, word: str) -> None:
    """``session.update(user_id=…)`` and ``session.setdefault("cart", …)``, under the names that they say."""
    first = call.args[0] if call.args else None
    if word == "setdefault" and len(call.args) > 1 and type(first) is Constant:
        _flow(home, "session", call.args[1], call, str(first.value))
    elif word == "update" and not call.args:
        pairs = tuple((new_constant(name), value) for name, value in call.keywords if name != "**")
        _flow(home, "session", new_mapping(pairs, call.open), call, "")
    else:
        _flow(home, "session", _together(call.args + tuple(value for _, value in call.keywords)), call, "")


def _flow(home: Home, kind: str, value: Value, call: Call, detail: str) -> None:
    if type(value) is Constant and not value.name:
        return
    sink: SinkKind = kind  # type: ignore[assignment]
    assert call.span is not None
    home.project.flows.append(new_flow(sink, value, frozenset(), call.span, home.function, detail))
