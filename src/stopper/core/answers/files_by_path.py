"""Files that are read by other ways than ``open``: objects of pathlib, codecs, a folder that is named beside the file."""

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from stopper.core.flow.passing import given
from stopper.core.flow.read_parts import origins
from stopper.core.flow.steps_back import WITHOUT_STEPS_BACK
from stopper.core.labels import UNTRUSTED
from stopper.core.values import (
    Call,
    Choice,
    Format,
    Member,
    Name,
    Parameter,
    Truth,
    Unknown,
    Value,
    parts,
    text_of,
    walk,
)

if TYPE_CHECKING:
    from stopper.core.fact import Condition
    from stopper.core.facts import SourceFacts
    from stopper.core.place import Span

_FIELD: Final = re.compile(r"[{%]")
_PARENTS: Final = frozenset({"..", "../"})
_JOINS: Final = frozenset({"os.path.join", "str", "pathlib.Path"})
_SEPARATORS: Final = frozenset({"os.sep", "os.path.sep"})
_PATHS: Final = frozenset({"pathlib.Path", "pathlib.PosixPath", "anyio.Path", "aiofiles.open"})


def read_by_path(facts: "SourceFacts") -> Iterator[tuple[Call, Value]]:
    """Each such call with the path that it reads from."""
    for call in facts.calls("*.read_text", "*.read_bytes", "*.open") if facts.imports("pathlib", "anyio") else ():
        path = call.receiver
        if (
            path is not None
            and _is_path(path)
            and not _is_last_part(path)
            and (text_of(call.argument(0, "mode")) or "r")[:1] not in "wax"
        ):
            yield call, path
    for call in facts.calls(
        "codecs.open", "io.open", "aiofiles.open", "gzip.open", "tarfile.open", "linecache.getlines"
    ):
        path = call.argument(0, "filename", "file", "name")
        if path is not None and (text_of(call.argument(1, "mode")) or "r")[:1] not in "wax":
            yield call, path
    for call in facts.calls(
        "*.open_resource", "*.open_instance_resource"
    ):  # joined with a folder, whatever it begins with
        path = call.argument(0, "resource")
        if path is not None and (text_of(call.argument(1, "mode")) or "r")[:1] not in "wax":
            yield call, path
    for call in facts.calls("flask.send_from_directory", "werkzeug.utils.send_from_directory"):
        folder = call.argument(0, "directory")
        if folder is not None:
            yield call, folder


def refuses_parents(facts: "SourceFacts", path: Value, function: str, at: "Span | None") -> bool:
    """``if ".." in name: abort(404)``, where the name stands behind a folder; ``os.path.join`` drops the folder where the name begins with
    ``/``, so that is asked for too. *at* is where it is read: a test that lets the name in does so for its own body alone."""
    mine = origins(path)
    said = {
        "/" if isinstance(part, Name) and part.dotted in _SEPARATORS else text_of(part)
        for one in facts.conditions_in(function)
        for test in _found_nowhere(one, at)
        if mine & origins(test)
        for part in walk(test, 4)
    }
    if not said & _PARENTS:
        return False
    return "/" in said or (isinstance(path, Format) and _is_behind_a_folder(facts, path))


def fails_outside(facts: "SourceFacts", path: Value, function: str, at: "Span | None") -> bool:
    """``path.resolve().relative_to(ROOT)``, which raises for what lies elsewhere, stands before, and nobody goes on where it fails."""
    mine = origins(path)
    going_on = {tried for one in facts.handlers_in(function) if one.action in ("pass", "go-on") for tried in one.tried}
    return any(
        call.callee not in going_on
        and call.span is not None
        and (at is None or call.span < at)
        and bool(mine & origins(call.receiver))
        and any(
            isinstance(part, Call) and part.method in WITHOUT_STEPS_BACK and facts.derives(part, *UNTRUSTED)
            for part in walk(call.receiver, 4)
        )
        for call in facts.calls_in(function)
        if call.method == "relative_to" and call.receiver is not None
    )


def sent_parts(facts: "SourceFacts", path: Value) -> list[Value]:
    """The parts of a path that callers wrote, each of which has to be checked: ``FOLDERS[person] / name`` asks who it is, and not for the name."""
    joined = isinstance(path, Unknown) or _joins(path)
    found = [one for part in parts(path) for one in sent_parts(facts, part)] if joined else []
    return found or ([path] if facts.derives(path, *UNTRUSTED) else [])


def holds_no_slash(facts: "SourceFacts", path: Value, depth: int = 8) -> bool:
    """``os.path.join(folder, name.replace("/", "_"))``: all that a caller wrote has lost its slashes, so that it names a file of the folder."""
    if not facts.derives(path, *UNTRUSTED):
        return True
    if isinstance(path, Call) and path.method == "replace" and len(path.args) > 1 and text_of(path.args[0]) == "/":
        return "/" not in (text_of(path.args[1]) or "/")
    joins = isinstance(path, (Format, Unknown, Choice)) or _joins(path)
    return joins and depth > 0 and all(holds_no_slash(facts, part, depth - 1) for part in parts(path))


def _joins(path: Value) -> bool:
    return isinstance(path, Call) and (path.callee in _JOINS or path.method == "joinpath")


_DRAWN: Final = re.compile(
    r"uuid\.uuid[14]|time\.(?:time|time_ns|monotonic_ns)|secrets\.token_(?:hex|urlsafe)|.*\.(?:isoformat|timestamp)"
)
_SECONDS: Final = re.compile(r"%[SfsTX]")


def names_new_file(facts: "SourceFacts", path: Value) -> bool:
    """``f"letter_{number}_{now.strftime("%Y%m%d%H%M%S")}.pdf"``, alone or below a folder: what ends in the moment or in a draw is the name of a new
    file, and of none that was there. Of a parameter that each who calls passes one."""
    if isinstance(path, Parameter):
        sent = [one for one in given(facts, path) if facts.derives(one, *UNTRUSTED)]
        return bool(sent) and all(not isinstance(one, Parameter) and names_new_file(facts, one) for one in sent)
    last = path.args[-1] if isinstance(path, Call) and _joins(path) and path.args else path
    last = last.parts[-1] if isinstance(last, Unknown) and last.parts else last
    if not isinstance(last, Format):
        return False
    said = [part for part in last.parts if "/" in (text := text_of(part) or "") or not text]
    return bool(said) and _is_drawn(said[-1])


def _is_drawn(value: Value) -> bool:
    for part in walk(value, 5):
        if isinstance(part, Call):
            form = text_of(part.args[-1]) if part.method == "strftime" and part.args else None
            if _DRAWN.fullmatch(part.callee) or _SECONDS.search(form or ""):
                return True
    return False


def _found_nowhere(one: "Condition", at: "Span | None") -> Iterator[Value]:
    """The tests of a condition that have all failed at the place, or hold there for what is not in the name."""
    tests = one.value.options if isinstance(one.value, Choice) else (one.value,)
    both = isinstance(one.value, Choice) and one.value.every
    within = at is not None and one.body is not None and one.body.holds(at)
    if (one.stops and not one.negated and not within) or (one.negated and within):
        yield from (test for test in tests if not both and not _differs(test))
    elif within:
        yield from (test for test in tests if (both or len(tests) == 1) and _differs(test))


def _differs(test: Value) -> bool:
    return isinstance(test, Truth) and test.differs


def _is_behind_a_folder(facts: "SourceFacts", path: Format) -> bool:
    """``f"texts/{name}"``, ``"texts/%s" % name``, ``f"{FOLDER}/{name}"``"""
    if text_of(path.parts[0]) is None:
        return not facts.derives(path.parts[0], *UNTRUSTED)
    first = "".join(takewhile(bool, (text_of(part) or "" for part in path.parts)))
    return _FIELD.split(first)[0].endswith("/")


def _is_last_part(value: Value) -> bool:
    """``folder / Path(name).name``: no folder is left in it."""
    return any(isinstance(part, Member) and part.attribute in ("name", "stem") for part in walk(value, 6))


def _is_path(value: Value) -> bool:
    return any(isinstance(part, Call) and part.callee in _PATHS for part in walk(value, 6))
