"""Whether a value from a request was held against something before it is used: a list, a pattern, a check of the project."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.flow.endings import asks_for_ending, is_ending, takes_ending_alone
from stopper.core.flow.failed_branch import failed_before, has_failed, made_at, only_told
from stopper.core.flow.known_signs import are_known_signs
from stopper.core.flow.labelling import labels_of
from stopper.core.flow.own_paths import is_own_path
from stopper.core.flow.passing import callers, passed
from stopper.core.flow.raising import raised_in
from stopper.core.flow.read_parts import Origin, origins
from stopper.core.flow.stations import reached_in, stations
from stopper.core.flow.steps_back import leaves_steps_back
from stopper.core.labels import LabelKind
from stopper.core.outgoing.beginnings_of_addresses import fixes_the_host, leaves_the_host_open
from stopper.core.outgoing.vain_address_checks import asks_nothing, ends_loosely, is_vain, is_vain_comparison
from stopper.core.place import Span
from stopper.core.stores.filtered_keys import lets_the_rest_in
from stopper.core.values import (
    Call,
    Choice,
    Constant,
    Format,
    Item,
    Member,
    Name,
    Parameter,
    Sequence,
    Truth,
    Value,
    options,
    parts,
    text_of,
    walk,
)

_CHECKS: Final = re.compile(
    r"(?i)isdigit|isalnum|isalpha|isidentifier|isnumeric|isdecimal|isinstance|match|fullmatch|endswith|hasattr|"
    r"\w*(valid|safe|allow|check|verify|permit|known|whitelist|accept|authori[sz]e|trust|local)\w*|is_\w+|(?:does_)?match(?:es)?_(?:url|address|host|origin|domain|route|path)\w*"
)
_WRITES_ANEW: Final = re.compile(r"urlsafe_\w+|(?:full_|un)?safe_(?:load|dump)(?:_all)?")
"""``urlsafe_b64decode(text)``, which has the word in its name and asks nothing."""
_OF_PASSWORDS: Final = re.compile(r"(?i)pass(?:word|wd|phrase)?(?:_|$)|pwd?(?:_|$)|credential|login|authenticat")
"""Who asks for a password asks who it is, and not what stands in the name."""
_LOOKS_UP: Final = re.compile(
    r".*\.(?:first|one|one_or_none|(?:first|get)_or_404|get_or_none|scalar|scalar_one(?:_or_none)?|fetchone|fetchall|find_one|execute)"
    r"|.*\.[A-Z]\w*\.(?:find|get|load|fetch|look_?up)(?:_\w+)?"
)
_DONE_WITH: Final = re.compile(
    r"subprocess\.\w+|os\.(?:popen|system)|(?:pickle|dill|cPickle|_pickle|marshal|shelve|jsonpickle|yaml)\.\w+|eval|open|(?:io|codecs)\.open"
    r"|(?:requests|httpx)\.(?:[\w.]+\.)?(?:get|post|put|patch|head|request)|urllib\.request\.urlopen"
)
"""What was run, loaded, opened or asked by it: a look at what that gave says nothing of it, and comes too late."""
_PARSES: Final = frozenset({"datetime.datetime.strptime", "time.strptime", "datetime.date.fromisoformat", "uuid.UUID"})
"""What fails where a text is anything else. ``datetime.fromisoformat`` takes any sign between day and time."""
_GIVE_TEXT: Final = frozenset({"lower", "upper", "casefold", "title", "strip", "lstrip", "rstrip", "decode", "read", "get_data"})  # fmt: skip
_OF_TYPE: Final = frozenset({"isinstance", "hasattr", "endswith"})
_OWN_ROOT: Final = frozenset({"flask.request.url_root", "flask.request.host_url"})
"""Addresses that end in a slash: what begins with one of them leads here."""
_ANY_PATH: Final = frozenset({"/", "http"})
"""Beginnings that addresses of every host have too."""
_NO_FOLDER: Final = frozenset({"/", "\\", ".", "..", "./", "../", "~"})
"""Beginnings that a path may lack and lead anywhere all the same."""
_OTHER_SCHEME: Final = re.compile(r"(?i)(?:javascript|vbscript|data|file|blob|ftp):")
"""Schemes that are refused: what is left may be of any host."""
_KEEPS_IN: Final = frozenset({"commonpath", "commonprefix", "basename", "secure_filename"})
"""What a path is equal to that stays in its folder: ``os.path.basename(name) == name``."""
_PARSED: Final = frozenset({"netloc", "hostname", "host", "scheme"})


def is_each_checked(
    facts: SourceFacts, value: Value, function: str, *kinds: LabelKind, text_counts: bool = False, at: Span | None = None
) -> bool:  # fmt: skip
    """That everything of these kinds which a text is put together from is checked: a name from a list beside a title from nobody's is none."""
    at = made_at(value) or at
    made = [one for one in options(value) if isinstance(one, Format)]  # a loop may add to it or not
    parted = [one for text in made for part in text.parts for one in options(part)]
    pieces = [one for one in parted if any(label.kind in kinds for label in labels_of(facts, one, numbers=True))]
    if pieces:
        return all(is_each_checked(facts, one, function, *kinds, text_counts=text_counts, at=at) for one in pieces)
    return is_checked(facts, value, function, text_counts=text_counts, at=at)


def is_checked(
    facts: SourceFacts,
    value: Value,
    function: str,
    *,
    prefix_counts: bool = False,
    text_counts: bool = False,
    by_host: bool = False,
    at: Span | None = None,
) -> bool:
    """That a part of *value* is held against a list, a pattern, a type or a check whose name says that it is one: by the function, or
    by a function of the project that the value went through.

    That the value is there at all, is not empty, or is a text, is no check. ``prefix_counts`` takes ``startswith`` for one too, and
    ``text_counts`` that it is a text: no operator of a document query is one. ``by_host`` wants an address to be held against hosts: a
    scheme, that there is any host, and a few names of this machine are none. *at* is where it was put into a text.
    """
    asked = _check_of(prefix_counts, text_counts=text_counts)
    if is_own_path(facts, value, function):
        return True
    end = takes_ending_alone(facts, value)
    if _held(facts, origins(value), function, asked, by_host, made_at(value) or at, end=end):
        return True
    if _refused_inside(facts, origins(value), function, by_host) or _is_parsed(facts, origins(value), function):
        return True
    is_check = _check_of(prefix_counts, _OF_TYPE)
    return any(
        _held(facts, mine, where, is_check, by_host) or _asked_inside(facts, mine, where, is_check, by_host)
        for where, mine in stations(facts, value, function)
        if where != function
    ) or _asked_by_object(facts, value, is_check)


def _is_parsed(facts: SourceFacts, mine: frozenset[Origin], function: str) -> bool:
    """``datetime.strptime(day, "%Y-%m-%d")`` stands before, and nobody goes on where it fails: the text is a day and nothing else."""
    asked = [call for call in facts.calls_in(function) if call.callee in _PARSES and call.args]
    going_on = [one for one in facts.handlers_in(function) if one.action in ("pass", "go-on")] if asked else []
    passed_by = {tried for one in going_on for tried in one.tried}
    return any(call.callee not in passed_by and mine & _read_there(call.args[0]) for call in asked)


def _read_there(value: Value) -> frozenset[Origin]:
    """What it is read from; a member alone, where one is named: that a body has a number says nothing of its texts."""
    found = origins(value)
    return frozenset(one for one in found if one[0] == "read") or found


def _asked_by_object(facts: SourceFacts, value: Value, is_check: Callable[[Call], bool]) -> bool:
    """``Landing(place).address()``: the object that is made of it holds it against something, in the method or in another one of its own."""
    for call in walk(value, 4):
        called = facts.function(call.callee) if isinstance(call, Call) and isinstance(call.receiver, Call) else None
        if called is None or not called.owner or not isinstance(call, Call):
            continue
        mine: frozenset[Origin] = origins(call.receiver)
        maker = facts.function(f"{called.owner}.__init__")
        if maker is not None and mine:
            mine |= {("parameter", (maker.name, name)) for name in maker.parameters}
        own = [name for name in (called.name, *called.calls) if name.startswith(f"{called.owner}.")]
        if mine and any(_held(facts, mine, name, is_check) for name in own):
            return True
    return False


def is_checked_by_callers(
    facts: SourceFacts,
    value: Value,
    function: str,
    *kinds: LabelKind,
    depth: int = 4,
    by_host: bool = False,
    prefix_counts: bool = False,
) -> bool:
    """That *value* is made of parameters of *function*, and that every call of the project which passes something of these kinds for
    them stands where that was checked, or behind callers who all did so."""
    mine = [part for part in walk(value) if isinstance(part, Parameter) and part.function == function]
    if not mine or not depth or facts.routes_of_view(function):
        return False  # what a view is given comes from the address as well
    if any(kind == "read" for kind, _ in origins(value)):
        return False
    handed = [
        (call, given)
        for call in callers(facts, function)
        for parameter in mine
        for given in passed(facts, parameter, call)
        if facts.derives(given, *kinds)
    ]
    return bool(handed) and all(
        is_checked(facts, given, call.function, by_host=by_host, prefix_counts=prefix_counts)
        or is_checked_by_callers(
            facts, given, call.function, *kinds, depth=depth - 1, by_host=by_host, prefix_counts=prefix_counts
        )
        for call, given in handed
    )


def _held(
    facts: SourceFacts, mine: frozenset[Origin], function: str, is_check: Callable[[Call], bool], by_host: bool = False,
    at: Span | None = None, *, end: bool = False,
) -> bool:  # fmt: skip
    loose = [one.span for one in facts.conditions_in(function) if _lets_any_path_in(one.value, mine)]
    for one in facts.comparisons_in(function):
        vain = _is_scheme_of_the_web(one.left, one.right) or (by_host and is_vain_comparison(one))
        vain = vain or (is_ending(one.left) and not end) or lets_the_rest_in(facts, one)
        if vain or failed_before(facts, one.span, one.operator, at) or only_told(facts, one.span):
            continue
        if _holds_against(facts, one.operator, one.left, one.right, mine) and not any(
            span.holds(one.span) for span in loose
        ):
            return True
    return any(
        (
            isinstance(part, Call)
            and is_check(part)
            and any(_is_about(facts, one, mine) for one in parts(part))
            and not _refuses_scheme(facts, part)
            and not _asks_nothing(facts, part, by_host)
            and (end or not asks_for_ending(facts, part))
        )
        or (
            not by_host
            and isinstance(part, Member)
            and part.attribute in _PARSED
            and bool(mine & origins(part.owner))
            and not has_failed(condition, at)
        )
        for condition in facts.conditions_in(function)
        if condition.span not in loose and not condition.tells and not failed_before(facts, condition.span, "", at)
        for part in _without_schemes(condition.value)
    )


def _asks_nothing(facts: SourceFacts, call: Call, by_host: bool) -> bool:
    """``is_valid_name(name)`` of the project, which only looks whether there is one; where hosts are wanted, whatever asks for none."""
    return is_vain(facts, call) if by_host else asks_nothing(facts, call.callee, of_text=True)


def _refuses_scheme(facts: SourceFacts, call: Call) -> bool:
    """A function of the project that asks for nothing but a scheme like ``javascript:``."""
    asked = [
        part
        for one in facts.returns_of(call.callee)
        for part in walk(one.value)
        if isinstance(part, Call) and part.method not in _GIVE_TEXT
    ]
    return bool(asked) and all(
        one.method == "startswith" and _OTHER_SCHEME.match(text_of(one.argument(0)) or "") is not None for one in asked
    )


def _without_schemes(value: Value) -> Iterator[Value]:
    """What a test asks, without ``parts.scheme in ("http", "https")``, which every host has, and the end of a name that others end in too."""
    asked = [part for part in walk(value) if isinstance(part, Truth) and len(part.parts) == 2]
    schemes = {id(side) for part in asked if _is_scheme_of_the_web(*part.parts) for side in part.parts}
    schemes |= {id(part.receiver) for part in walk(value) if isinstance(part, Call) and ends_loosely(part)}
    return (part for part in walk(value) if id(part) not in schemes)


def _is_scheme_of_the_web(left: Value, right: Value) -> bool:
    return (
        isinstance(left, Member)
        and left.attribute == "scheme"
        and any(isinstance(part, Constant) and part.value in ("http", "https") for part in walk(right, 1))
    )


def _lets_any_path_in(asked: Value, mine: frozenset[Origin]) -> bool:
    """``place.startswith("/") or urlsplit(place).netloc == OURS``: ``//elsewhere`` passes, whatever the other half asks."""
    return (
        isinstance(asked, Choice)
        and not asked.every
        and any(
            isinstance(one, Call)
            and one.method == "startswith"
            and text_of(one.argument(0)) in _ANY_PATH
            and bool(mine & origins(one.receiver))
            for one in asked.options
        )
    )


def _refused_inside(facts: SourceFacts, mine: frozenset[Origin], function: str, by_host: bool) -> bool:
    """``ensure_known_host(place)``: a function of the project that is only called, holds what it is given against a list or a host, and
    raises where that fails."""
    for call in facts.calls_in(function) if mine else ():
        called = facts.function(call.callee) if raised_in(facts, call.callee) else None
        if called is None or called.returns:
            continue
        reached = reached_in(called, call, mine)
        if reached and _held(facts, reached | mine, called.name, _check_of(False, _OF_TYPE), by_host):
            return True
    return False


def _asked_inside(
    facts: SourceFacts, mine: frozenset[Origin], function: str, is_check: Callable[[Call], bool], by_host: bool
) -> bool:
    """``return place if is_local(place) else "/"``: a function that gives a value back asks in whatever form."""
    return any(
        is_check(call)
        and any(_is_about(facts, one, mine) for one in (*call.args, call.receiver))
        and not _refuses_scheme(facts, call)
        and not _asks_nothing(facts, call, by_host)
        for call in facts.calls_in(function)
    )


def _is_about(facts: SourceFacts, value: Value | None, mine: frozenset[Origin]) -> bool:
    """That the value is made of these, and is not what was found by them: ``user.password_hash`` says nothing of the name that was asked for."""
    if value is None or not mine & origins(value) or is_found_by(facts, value):
        return False
    return not any(isinstance(one, Call) and _DONE_WITH.fullmatch(one.callee) for one in walk(value, 10))


def is_found_by(facts: SourceFacts, value: Value) -> bool:
    """A member of what was looked up by something: ``Upload.find(name).owner``."""
    owner: Value = value
    while isinstance(owner, (Member, Item)):
        if isinstance(owner, Member) and owner.attribute in _PARSED:
            return False
        owner = owner.owner
    known = isinstance(owner, Call) and (_LOOKS_UP.fullmatch(owner.callee) or facts.function(owner.callee))
    return owner is not value and bool(known)


def _holds_against(facts: SourceFacts, operator: str, left: Value, right: Value, mine: frozenset[Origin]) -> bool:
    if operator in ("in", "not in"):
        if isinstance(right, Member) and right.attribute == "parents" and mine & origins(right):
            return True  # ``ROOT in path.resolve().parents``
        if isinstance(left, Constant) or _is_text(right):
            return False
        return _is_about(facts, left, mine) and not mine & origins(right)
    if operator == "<=":
        return are_known_signs(left, right) and bool(mine & origins(left))
    if operator not in ("==", "!="):
        return False
    return any(
        (isinstance(part, Member) and part.attribute in _PARSED and mine & origins(part.owner))
        or (isinstance(part, Call) and part.method in _KEEPS_IN and mine & origins(part))
        for side in (left, right)
        for part in walk(side)
    )


def _is_text(value: Value) -> bool:
    """``needle.lower() in page.title.lower()`` looks for one text in another, also where it is one of several that are known."""
    if isinstance(value, Choice):
        return all(text_of(one) is not None for one in value.options)
    return isinstance(value, Format) or (isinstance(value, Call) and value.method in _GIVE_TEXT)


def _check_of(
    prefix_counts: bool, without: frozenset[str] = frozenset(), text_counts: bool = False
) -> Callable[[Call], bool]:
    """What tells a check among calls. ``without`` are words that are none where a function gives the value back: of what type a value
    is says nothing about where it leads."""

    def is_check(call: Call) -> bool:
        if call.method == "startswith":
            said, given = text_of(call.argument(0)), call.argument(0)
            if isinstance(given, Name) and given.dotted in _OWN_ROOT:
                return True
            if said in _NO_FOLDER or leaves_the_host_open(given):
                return False
            if fixes_the_host(given):
                return True
            if prefix_counts and leaves_steps_back(call):
                return False
            says_little = said is None or len(said) <= 1 or said in _ANY_PATH  # ``sort.startswith("-")``
            return prefix_counts or not (says_little or _OTHER_SCHEME.match(said or ""))
        if call.method == "issubset":
            return are_known_signs(call.receiver, call.argument(0))
        if call.method == "endswith" and ends_loosely(call):
            return False
        if call.method in ("isinstance", "hasattr") and (
            _asks_of_result(call) or (not text_counts and _asks_for_text(call))
        ):
            return False
        said = call.method
        if (
            said in without
            or (prefix_counts and said == "is_relative_to" and leaves_steps_back(call))
            or _WRITES_ANEW.fullmatch(said)
            or _DONE_WITH.fullmatch(call.callee)
        ):
            return False
        return bool(_CHECKS.fullmatch(said)) and not _OF_PASSWORDS.search(said)

    return is_check


def _asks_for_text(call: Call) -> bool:
    """``isinstance(value, str)``, which any text passes."""
    kinds = asked.items if isinstance(asked := call.argument(1), Sequence) else (asked,)
    return all(isinstance(one, Name) and one.dotted in ("str", "bytes") for one in kinds)


def _asks_of_result(call: Call) -> bool:
    """``isinstance(yaml.load(body), dict)`` asks what came out of it, too late."""
    return any(
        isinstance(asked, Call) and asked.method not in ("get", "get_json", "strip", "lower", "upper")
        for asked in options(call.argument(0))
    )
