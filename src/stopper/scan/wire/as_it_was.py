"""What a scan changes that was there before is read first, and put back when the scan ends."""

import re
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Final, cast

from stopper.core.exchange import Exchange, Request, Response
from stopper.core.naming import as_parameter
from stopper.core.probing.ids_in_paths import ID
from stopper.core.probing.participles import with_deeds
from stopper.core.probing.things.objects import as_id, inner_object, is_masked
from stopper.scan.wire.body_members import members_of
from stopper.scan.wire.deeds_by_get import deed_in, words_of
from stopper.scan.wire.growing import Growing
from stopper.scan.wire.kept import Kept
from stopper.scan.wire.made_up_ids import NOBODY
from stopper.scan.wire.spared_accounts import is_of_oneself
from stopper.scan.wire.things_made import creates

MOST: Final = 40
"""Things that are read before they are changed."""
UNREAD: Final = "it could not be read beforehand"
TRIES: Final = 2
"""How often one is looked at for requests of nobody by name."""
_CHANGES: Final = ("PUT", "PATCH")
_OF_AN_ACCOUNT: Final = re.compile(
    r"(?i)(^|/)(users?|accounts?|members?|people|customers?|profiles?)/[^/]{1,80}/(roles?|permissions|e?-?mail|user_?name|name|phone|address|plan|tier|level|limit|profile|settings|preferences)/?$"
)
"""What a POST by somebody's id sets of the account itself."""
OF_ALL: Final = re.compile(
    r"(?i)(^|/)(admin|administration|administrator|manage|management|system|site|app)/([^/]{1,40}/)?(settings|config(uration)?|preferences|options)/?$"
)
"""Settings of the target: nobody's own, whoever sets them."""
_LOOKS: Final = frozenset(
    {"search", "query", "filter", "lookup", "find", "preview", "validate", "check", "export", "report", "download"}
)
"""What a POST says that changes nothing."""
_SETS: Final = frozenset({"edit", "update", "change", "modify", "save", "set"})
"""What a path may say before the id of what it changes."""
_ENDS: Final = frozenset({
    "close", "cancel", "complete", "finish", "resolve", "reject", "decline", "approve", "accept", "confirm", "redeem", "claim", "revoke", "expire", "terminate", "refund", "deactivate", "suspend", "ban", "void", "ship",
})  # fmt: skip
"""What is done to a thing and is over then: nobody can undo it who was not shown what it was."""
_OF_THE_BODY: Final = ("content-type", "content-length", "accept")


class AsItWas:
    """One per courier, shared by all its threads."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        """What was read, by where it is."""
        self._asked: dict[str, list[str | None]] = {}
        """As whom each was read: what nobody is shown may be shown to who is about to change it."""
        self._shut: set[tuple[str, int, str]] = set()
        """Kinds of paths at which nothing can be read."""
        self._unread: set[str] = set()
        """What could not be read before a change of it was sent."""
        self._changed_unread: dict[tuple[str, tuple[str, int, str]], str] = {}
        """The changes of those that went through: one of each route, the one with the shortest path."""
        self._growing = Growing()
        self._lock = threading.Lock()

    def before(
        self, request: Request, is_own: Callable[[str], bool], read: Callable[[Request], Response | None]
    ) -> None:
        """Read what *request* is about to change, unless that is the scan's own or was read already. ``read`` sends."""
        places = _places(request)
        if not _changes(request) or _of_an_own_person(request) or any(map(self.kept.__contains__, places)):
            return
        of_all = OF_ALL.search(
            request.target.partition("?")[0]
        )  # nobody's own, however the scan may have come to know it
        if not of_all and (is_own(request.target) or any(map(is_own, places.values()))):
            return
        with self._lock:
            self._unread.add(next(iter(places)))
            for place, target in places.items():
                if place in self.kept or self._keep(request, place, target, read):
                    return

    def _keep(self, request: Request, place: str, target: str, read: Callable[[Request], Response | None]) -> bool:
        """Whether what stands at *target* could be read, and is kept."""
        asked = self._asked.get(place, [])
        many = len(self._asked) >= MOST and not is_of_oneself(request.target.partition("?")[0])
        tries = TRIES if request.identity is None else 1
        if _kind(target) in self._shut or asked.count(request.identity) >= tries or (many and not asked):
            return False
        self._asked[place] = [*asked, request.identity]
        headers = tuple(pair for pair in request.headers if pair[0].lower() not in _OF_THE_BODY)
        reading = Request("GET", target, (*headers, ("Accept", "application/json")), identity=request.identity)
        response = read(reading)
        if response is not None and response.status == 405:
            self._shut.add(_kind(target))
        was = inner_object(response.json()) if response is not None and response.succeeded else {}
        if was:
            self.kept[place] = Kept(reading, was)
        return bool(was)

    def refusal(self, request: Request) -> str:
        """Why a change of what was there is not sent, or an empty text. To be asked after :meth:`before`."""
        if ends := self._ends_unread(request):
            return f"its path says {ends!r}, and what that is done to could not be read beforehand"
        kept = self._kept_of(request)
        return self._growing.refusal(request, kept) if kept is not None else ""

    def _ends_unread(self, request: Request) -> str:
        """The word by which a change ends a thing that was there, and that nobody was shown beforehand; an empty text for any other: ``/close/5``,
        ``/orders/5/cancel``."""
        places = _places(request)
        if next(iter(places)) not in self._unread or any(map(self.kept.__contains__, places)):
            return ""
        parts = request.target.partition("?")[0].rstrip("/").split("/")
        said = parts[-2] if ID.fullmatch(parts[-1]) and len(parts) > 1 else parts[-1]
        inside = any(map(ID.fullmatch, parts)) and not _of_an_own_person(request)
        return min(_ENDS & with_deeds(words_of(said)), default="") if inside else ""

    def keep_by_oneself(self, request: Request, shown: tuple[Request, dict[str, object]] | None) -> None:
        """Where nothing can be read at what *request* is about to change, keep what the own account has *shown* of its members."""
        places = _places(request)
        if (
            shown is None
            or OF_ALL.search(request.target.partition("?")[0])
            or any(map(self.kept.__contains__, places))
            or not members_of(request).keys() & shown[1].keys()
        ):
            return
        self.kept[next(iter(places))] = Kept(shown[0], dict(shown[1]))

    def keeps(self, request: Request, names: Collection[str]) -> bool:
        """Whether it is known what *request* is about to change was in all members of these names."""
        places = _places(request)
        kept = next((self.kept[place] for place in places if place in self.kept), None)
        if kept is None or (kept.read.target not in places.values() and kept.read.identity != request.identity):
            return False  # the own account of somebody else
        return all(name in kept.was and not is_masked(kept.was[name]) for name in names)

    def shown(self, request: Request) -> Mapping[str, object]:
        """What is known of what *request* is about to change, by the names of its members."""
        kept = self._kept_of(request)
        return kept.was if kept is not None else {}

    def _kept_of(self, request: Request) -> Kept | None:
        return next((self.kept[place] for place in _places(request) if place in self.kept), None)

    def to_put_back(self) -> int:
        """How many requests putting everything back takes at the most, where the first way is right."""
        return sum(3 for kept in list(self.kept.values()) if kept.ways)

    def learn(self, request: Request, response: Response, read: Callable[[Request], Response | None]) -> None:
        """Note how a thing that was read was changed, and whether it grows by that. ``read`` sends."""
        if not _changes(request) or _of_an_own_person(request):
            return
        places, kept = _places(request), self._kept_of(request)
        with self._lock:
            if kept is None:
                said = request.method in _CHANGES or _of_an_account(request) or _does_something(request, response)
                if response.went_through and said and next(iter(places)) in self._unread:
                    where = request.method, _kind(request.target)
                    path = request.target.partition("?")[0]
                    self._changed_unread[where] = min(self._changed_unread.get(where, path), path, key=len)
                return
            kept.said |= members_of(request).keys()
            if response.went_through:
                path = request.target.partition("?")[0]
                deed = request.method == "POST" or _is_a_deed(request, kept)
                kept.ways.setdefault(f"{request.method} {path}" if deed else request.method, request)
        if ID.fullmatch(request.target.partition("?")[0].rpartition("/")[2]) or _does_something(request, response):
            self._growing.learn(request, response, kept, read)

    def put_back(
        self, carry: Callable[[Request], Exchange], left: dict[str, list[str]], takes: Callable[[str], Collection[str]]
    ) -> None:
        """Put everything back by ``carry``. What could not be is in *left*, by the request that changed it, with its members; so is what
        was not come to, where ``carry`` raises. ``takes`` knows the methods of a path."""
        left |= {f"{method} {path}": [UNREAD] for (method, _), path in self._changed_unread.items()}
        changed = {_name(kept, place): kept for place, kept in self.kept.items() if kept.ways}
        left |= {name: sorted(kept.said) for name, kept in changed.items()}
        for name, kept in reversed(changed.items()):  # what was read first saw it before the others changed it
            different = kept.different(carry(kept.read).response)
            for request in kept.amends(different, takes(kept.read.target)) if different else ():
                carry(request)
                different = kept.different(carry(kept.read).response)
                if not different:
                    break
            if different := [*different, *(one for one in kept.unseen() if one not in different)]:
                left[name] = different
            else:
                del left[name]


def _name(kept: Kept, place: str) -> str:
    whose = place.removeprefix(kept.read.target)
    first = min(kept.ways)
    where = "" if " " in first else f" {kept.read.target.partition('?')[0]}"
    return f"{first}{where}{whose}"


def _is_a_deed(request: Request, kept: Kept) -> bool:
    """Whether a PUT or PATCH does something to the thing instead of saying what it is: ``PUT /flags/1/bump``. What would put it back would do
    it once more."""
    path, place = (one.target.partition("?")[0].rstrip("/") for one in (request, kept.read))
    last = as_parameter(path.rpartition("/")[2])
    return path != place and last not in {as_parameter(name) for name in (*kept.was, *members_of(request))}


def _places(request: Request) -> dict[str, str]:
    """What *request* may change, with where it is read: its target, and whose where the path means whoever asks; then the thing to which
    something is done (``/orders/5`` of ``/orders/5/cancel``), or which the body names."""
    path = request.target.partition("?")[0]
    if is_of_oneself(path) and request.identity is not None and not OF_ALL.search(path):
        return {f"{request.target} of {request.identity}": request.target}
    parts = path.split("/")
    last = max((number for number, part in enumerate(parts) if ID.fullmatch(part)), default=0)
    thing = "/".join(parts[: last + 1]) if last else _named_in_the_body(request, path)
    itself = (
        request.method in _CHANGES
        or is_of_oneself(path)
        or OF_ALL.search(path)
        or _OF_AN_ACCOUNT.search(path)
        or not thing
    )
    return {one: one for one in ((request.target,) if itself else ()) + ((thing,) if thing else ())}


def _named_in_the_body(request: Request, path: str) -> str:
    """The thing of which a deed on a collection speaks: ``POST /messages/read {"message_id": 5}``."""
    above = path.rstrip("/").rpartition("/")[0]
    kind = above.rpartition("/")[2].removesuffix("s")
    for name, value in members_of(request).items() if kind else ():
        named = next(iter(cast("list[object]", value)), None) if isinstance(value, list) else value
        if re.fullmatch(rf"(?i)({re.escape(kind)}[-_]?)?(id|uuid|number)s?", name) and as_id(named) is not None:
            return f"{above}/{named}"
    return ""


def _of_an_own_person(request: Request) -> bool:
    """Whether it changes somebody whom the scan has registered: by a name that it has made up, or who asks for himself, with a credential and
    under no name."""
    if any(one and NOBODY.fullmatch(one) for one in request.target.partition("?")[0].split("/")):
        return True
    path = request.target.partition("?")[0]
    known = any(name.lower() in ("authorization", "cookie") for name, _ in request.headers)
    return request.identity is None and known and is_of_oneself(path) and not OF_ALL.search(path)


def _kind(target: str) -> tuple[str, int, str]:
    """What the paths of one route have in common: where they begin, how long they are, and the word that they end with."""
    parts = target.partition("?")[0].strip("/").split("/")
    return parts[0], len(parts), parts[-1]


def _changes(request: Request) -> bool:
    if request.effect == "login" or request.method not in (*_CHANGES, "POST"):
        return False
    path = request.target.partition("?")[0]
    to_a_thing = any(map(ID.fullmatch, path.split("/"))) or _named_in_the_body(request, path)
    return (bool(request.body) and (request.method in _CHANGES or _of_an_account(request))) or bool(to_a_thing)


def _does_something(request: Request, response: Response) -> bool:
    """Whether a POST on a thing says a deed, or one word that is no name of several things (``/users/1/owner``), or has a body and says nothing but
    the thing (``/users/1``), and has made nothing."""
    parts = request.target.partition("?")[0].rstrip("/").split("/")
    last, inside = as_parameter(parts[-1]), any(map(ID.fullmatch, parts))
    word = re.fullmatch(r"[a-z][a-z_]*", last) is not None and last not in _LOOKS  # a text of a probe is none
    one = inside and word and (not last.endswith("s") or last.endswith("ss"))
    before = parts[-2] if ID.fullmatch(parts[-1]) else ""  # ``/archive/5``, ``/profile/edit/5``: a GET may read there
    deed = deed_in(request.target) or (before and (deed_in(f"/1/{before}") or as_parameter(before) in _SETS))
    alone = bool(request.body) and ID.fullmatch(parts[-1]) is not None and _LOOKS.isdisjoint(words_of(before))
    return bool(deed) or ((one or alone) and not creates(request, response))


def _of_an_account(request: Request) -> bool:
    path = request.target.partition("?")[0]
    said = is_of_oneself(path) or OF_ALL.search(path) or _OF_AN_ACCOUNT.search(path)
    return request.method == "POST" and bool(said)
