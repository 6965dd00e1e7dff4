"""With four workers a caller gets four times the limit, or there is none because a setting turned it off."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.app_extensions import RateLimiter
from stopper.core.deployment.desk_files import is_of_a_desk
from stopper.core.deployment.setting_facts import MISSING, in_force, is_written, plain, written
from stopper.core.deployment.stages_of_settings import is_for_one_desk
from stopper.core.deployment.switched_on import is_on
from stopper.core.edits.call_edits import calls_at, passing
from stopper.core.fact import Assignment
from stopper.core.facts import SourceFacts, source_of
from stopper.core.people.limiter_facts import LIMITERS, returns_too_many, says_too_many
from stopper.core.place import Span
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.values import Call, Constant, EnvironmentValue, Mapping, Name, Truth, Value, is_constant, walk

_STORES: Final = ("RATELIMIT_STORAGE_URI", "RATELIMIT_STORAGE_URL")
_WORKERS: Final = re.compile(
    r"(?:gunicorn|uwsgi|uvicorn|hypercorn|granian).*?(?:-w|--workers|--processes|-p)[ =\",']+(\d+)|^\s*(?:workers|processes|WEB_CONCURRENCY)\s*[=:]\s*\"?(\d+)"
)

_ALONE: Final = (
    "flask_socketio.SocketIO.run", "waitress.serve", "gevent.pywsgi.WSGIServer.serve_forever", "cheroot.wsgi.Server.start", "eventlet.wsgi.server",
)  # fmt: skip
"""Servers of one process."""
_MANY: Final = re.compile(
    r"(?i)\b(?:gunicorn|uwsgi|uvicorn|hypercorn|granian|mod_wsgi(?:-express)?)\b|WSGIDaemonProcess"
)
_MEMORIES: Final = frozenset({
    "dict", "collections.defaultdict", "collections.Counter", "collections.OrderedDict", "cachetools.TTLCache", "cachetools.LRUCache",
})  # fmt: skip


_SIMPLE: Final = re.compile(r"(?i)(?:^|\.)simple(?:cache)?$")
"""Flask-Caching's name for a dictionary of the process."""


def detect(app: App) -> Iterator[Hit]:
    """A limiter that counts in memory, or that is off."""
    facts = source_of(app)
    told = False
    shared = bool(app.extensions.limiters) and all(_counts_for_all(one) for one in app.extensions.limiters)
    for call in facts.calls(*LIMITERS):
        if is_constant(call.keyword("enabled"), False):
            yield Hit("the limiter is turned off", call.span)
        elif _is_asked_for(facts, call.keyword("enabled")):
            yield Hit("the limiter is off until the environment asks for it", call.span, certainty="possible")
        elif not told and not call.open and not shared and (said := _in_memory(app, facts, call)) is not None:
            told = True  # a second one that is made alike counts alike
            yield said
    if facts.imports("flask_limiter") or app.extensions.limiters:
        yield from _turned_off(app, facts)
    own = list(_own(facts))
    workers = (_workers(facts) or 0) if own else 0
    if workers > 1:
        yield from (Hit(f"{said}, and {workers} workers count for themselves", span) for said, span in own)
    if any(one.enabled and one.store.endswith(".MemoryStorage") for one in app.extensions.limiters):
        place = next((call.span for call in facts.calls(*LIMITERS)), None)
        if (found := _told(_workers(facts), place)) is not None:
            yield replace(found, reader="running")


_OF_LIMITS: Final = re.compile(r"(?i)limit|throttl")


def _is_asked_for(facts: SourceFacts, said: Value | None) -> bool:
    """``enabled=environ.get("LIMITS") == "on"``: a switch of its own, and no one of a stage, which is off where nobody says anything."""
    switches = [one for one in walk(said, 4) if isinstance(one, EnvironmentValue)]
    plain_test = not any(isinstance(one, Truth) and (one.differs or len(one.parts) == 1) for one in walk(said, 4))
    return (
        bool(switches)
        and plain_test
        and all(_OF_LIMITS.search(one.variable) is not None and not is_on(facts, one) for one in switches)
        and not is_on(facts, said)
    )


def _counts_for_all(limiter: RateLimiter) -> bool:
    return bool(limiter.store) and not limiter.store.endswith(".MemoryStorage")


def _in_memory(app: App, facts: SourceFacts, call: Call) -> Hit | None:
    where: Value | None = call.keyword("storage_uri", "storage_url")
    if where is None and any(is_written(app, key) for key in _STORES):
        values = tuple(one for write in written(app, *_STORES) for one in plain(facts, write.value))
        if not _all_memory(values):
            return None
    elif where is not None:
        found = plain(facts, where)
        if not _all_memory(found):
            return None
    elif not _is_memory(in_force(app, _STORES[0])):
        return None
    if _is_of_a_host(facts, call):
        return None
    workers = _workers(facts)
    return _told(1 if workers is None and _serves_alone(facts) else workers, call.span)


def _is_of_a_host(facts: SourceFacts, call: Call) -> bool:
    """That a library limits an application which is not its own: that one says where it counts, and by how many processes it is served."""
    return any(
        isinstance(given, Name) and given.dotted == "flask.current_app"
        for one in (*facts.calls(call.function), *facts.calls_in(call.function))
        if one.callee == call.function or one.method == "init_app"
        for given in one.args
    )


def _serves_alone(facts: SourceFacts) -> bool:
    """That a module of the project serves the application by a server of one process, and no file names one that may have several."""
    return any(not is_of_a_desk(one.span) for one in facts.calls(*_ALONE)) and not any(
        _MANY.search(line)
        for file in facts.files_of("procfile", "dockerfile", "compose", "script", "shell", "deployment")
        for line in file.lines
    )


def _told(workers: int | None, place: Span | None) -> Hit | None:
    if workers == 1:
        return None
    certainty: Certainty = "certain" if workers else "possible"
    many = f"{workers} workers count" if workers else "each worker counts"
    return Hit(
        f"the limiter counts in the memory of its process, and {many} for themselves", place, certainty=certainty
    )


def _own(facts: SourceFacts) -> Iterator[tuple[str, Span]]:
    """Dictionaries of a module, or of an object of one, that a function counts in which says 429."""
    memories: list[tuple[Value, Span]] = [
        (one.value, one.span)
        for one in facts.assignments()
        if _is_own_memory(one.value)
        and (not one.function or _is_of_lasting_object(facts, one))
        and not one.attribute.startswith("__")
    ]
    caches = [one for one in facts.calls("flask_caching.Cache", "cachelib.*") if _is_cache_in_memory(facts, one)]
    memories += [(one, one.span) for one in caches if one.span is not None and not facts.is_view(one.function)]
    if not memories:
        return
    refusing = set(returns_too_many(facts))
    refusing |= {one.function for one in facts.calls("*.abort", "*.make_response") if says_too_many(one)}
    reached = refusing | {call.callee for name in refusing for call in facts.calls_in(name)}
    if not refusing:
        return
    for memory, place in memories:
        if any(_is_looked_in(facts, name, memory) for name in reached):
            yield "the counters stand in the memory of a process", place


def _is_of_lasting_object(facts: SourceFacts, one: Assignment) -> bool:
    """``self.hits = defaultdict(deque)`` of an object that no request makes anew."""
    owner, _, word = one.function.rpartition(".")
    if word != "__init__" or not one.target.startswith("self."):
        return False
    made = [call for call in facts.calls(owner) if call.function != one.function]
    return any(not call.function for call in made)


def _is_cache_in_memory(facts: SourceFacts, value: Call) -> bool:
    """``Cache(app, config={"CACHE_TYPE": "SimpleCache"})`` of Flask-Caching, ``SimpleCache()`` of cachelib."""
    if value.method == "SimpleCache":
        return True
    config = value.keyword("config")
    said = config.get("CACHE_TYPE") if isinstance(config, Mapping) else None
    kinds = (
        plain(facts, said)
        if said is not None
        else [one for held in facts.config_values("CACHE_TYPE") for one in plain(facts, held)]
    )
    return (
        value.method == "Cache" and bool(kinds) and all(isinstance(one, str) and _SIMPLE.search(one) for one in kinds)
    )


def _is_own_memory(value: Value) -> bool:
    if isinstance(value, Mapping):
        return not value.items
    return isinstance(value, Call) and (value.callee in _MEMORIES)


def _is_looked_in(facts: SourceFacts, function: str, memory: Value) -> bool:
    """That the function holds how many there are in it, or when the last one was, against a number."""
    asked = [
        side
        for one in facts.comparisons_in(function)
        if one.operator in ("<", "<=", ">", ">=", "==", "!=")
        for side in (one.left, one.right)
    ]
    return any(part is memory for value in asked for part in walk(value, 6))


def _is_memory(value: object) -> bool:
    return value is MISSING or value is None or value == "" or (isinstance(value, str) and value.startswith("memory"))


def _all_memory(values: tuple[object, ...]) -> bool:
    return bool(values) and all(isinstance(one, str) and one.startswith("memory") for one in values)


def _workers(facts: SourceFacts) -> int | None:
    """How many processes the deployment's files or a Gunicorn file ask for; None where nothing says so."""
    found: list[int] = []
    for file in facts.files_of("procfile", "dockerfile", "compose", "script", "config", "env"):
        seen = [match for line in file.lines if (match := _WORKERS.search(re.sub(r"[\[\]]", " ", line))) is not None]
        found += [int(match.group(1) or match.group(2)) for match in seen]
    for one in facts.assignments():
        if one.attribute == "workers" and "gunicorn" in one.span.path:
            numbers = [value for value in plain(facts, one.value) if isinstance(value, int)]
            found.append(max(numbers, default=2))
    return max(found, default=None)


def _turned_off(app: App, facts: SourceFacts) -> Iterator[Hit]:
    seen = False
    for write in written(app, "RATELIMIT_ENABLED"):
        seen = True
        failed = any(one.span.holds(write.span) for one in facts.handlers_in(write.function))
        if False in plain(facts, write.value) and not is_for_one_desk(write) and not failed:
            yield Hit("a setting turns the limiter off", write.span)
    if not seen and in_force(app, "RATELIMIT_ENABLED") is False:
        yield Hit("the running application has its limiter turned off", reader="running")


def fix(app: App, hit: Hit) -> Edit | None:
    """The limiter turned on where a literal turns it off."""
    facts = source_of(app)
    for call in calls_at(facts, hit.span):
        if is_constant(call.keyword("enabled"), False):
            return passing(call, ("enabled", "True"), safe=False)
    for write in written(app, "RATELIMIT_ENABLED"):
        span = write.value.span if is_constant(write.value, False) and isinstance(write.value, Constant) else None
        if span is not None and write.span == hit.span and span.path == write.span.path:
            return Edit(span, "True", safe=False)
    return None


RULE = Rule(
    slug="rate-limit-per-process",
    family="rate",
    title="The limiter counts in each process for itself, or is off",
    harm=__doc__ or "",
    severity="medium",
    check="rate-limiting",
    cwe=(770,),
    owasp="API4:2023",
    asvs=("V2.4.1",),
    surfaces=("source", "running"),
    ends="`STOPPER_REDIS_URL` counts for all processes; without it, mode `prod` refuses several.",
    detect=detect,
    fix=fix,
)
