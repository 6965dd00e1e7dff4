"""A path with the right word in it passes without a credential."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.exchange import Request
from stopper.core.fact import Condition
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.passing import passed as passed_by
from stopper.core.flow.raising import raised_in
from stopper.core.flow.request_hooks import BEFORE, hung
from stopper.core.flow.told_once import told_once
from stopper.core.guards.endpoint_words import takes_others_in
from stopper.core.guards.path_patterns import ends_alone, is_open_pattern
from stopper.core.place import Span
from stopper.core.probe import Steps, Target, failed, passed, send, unsure
from stopper.core.probing.baseline import controls, judge, protected
from stopper.core.rule import Hit, Rule
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    Format,
    Item,
    Member,
    Name,
    Parameter,
    Sequence,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

PATHS: Final = frozenset(
    f"flask.request.{name}" for name in ("path", "full_path", "url", "base_url", "url_rule", "environ.PATH_INFO")
)
_STARTS: Final = frozenset(f"{path}.startswith" for path in PATHS) | frozenset(f"{path}.endswith" for path in PATHS)
_LAST: Final = frozenset({"split", "rsplit", "rpartition"})
_ENDS: Final = ("startswith", "endswith", "find", "count")
_ABOUT_WHO: Final = re.compile(
    r"(?i)auth|log_?in|sign_?in|token|jwt|api_?key|credential|(?:flask|^)\.?session(?:$|\.)|(?:user|login|check|valid\w*|require)_session|session_(?:user|id|valid\w*)|current_user|principal|permission|flask\.abort|forbid|\bg\.user|user_id"
)
_TRUTHS: Final = ("any", "all", "bool")
_BEGINNING: Final = "the beginning of the path"
_END: Final = "a part of the path that the caller chooses"
_HOST: Final = re.compile(r"https?://[^/?#]+(?:[/?#]|$)")
WORDS: Final = ("/login", "/public", "/static", "/health", "/docs", ".css", ".js")


def detect(app: App) -> Iterator[Hit]:
    """A guard that looks for a part of the path before it asks for a credential; one that does so at several places is written anew as a whole."""
    yield from told_once(_found(source_of(app), app))


def _found(facts: SourceFacts, app: App) -> Iterator[tuple[Hit, object]]:
    seen: set[tuple[str, int]] = set()
    for function, span, what in (*_looks(facts), *_asked_by_helpers(facts), *_words_of_endpoints(facts, app)):
        if span is None or (span.path, span.line) in seen:
            continue
        if not _is_guard(facts, function) and not _is_asked_by_guard(facts, function):
            continue
        if not _decides(facts, function, span):
            continue
        if any((test.path, test.line) in seen for test in _tests_around(facts, function, span)):
            continue  # one test that asks for several beginnings
        seen.add((span.path, span.line))
        seen |= {(test.path, test.line) for test in _tests_around(facts, function, span)}
        if what == _BEGINNING:
            message = f"the guard goes by {what}: look whether a path that needs a log-in begins like that too"
            yield Hit(message, span, certainty="possible", severity="low"), (function, what)
        else:
            yield Hit(f"the guard goes by {what}, which other paths have too", span), (function, what)


def _looks(facts: SourceFacts) -> Iterator[tuple[str, Span | None, str]]:
    for compared in facts.comparisons("in", "not in"):
        if _is_path(compared.right) and not isinstance(compared.left, Sequence):
            yield compared.function, compared.span, "a word anywhere in the path"
    for compared in facts.comparisons("in", "not in", "==", "!="):
        if _is_ending(compared.left) or (compared.operator in ("==", "!=") and _is_ending(compared.right)):
            yield compared.function, compared.span, _END
    reshaped = [
        call
        for call in facts.calls(*(f"?.{name}" for name in _ENDS))
        if isinstance(call.receiver, (Call, Item)) and _is_path(call.receiver)
    ]
    for call in (*facts.calls(*(f"{path}.{name}" for path in PATHS for name in _ENDS)), *reshaped):
        if call.args and (
            (said := text_of(call.args[0])) == "/" or (call.method == "endswith" and ends_alone(facts, said))
        ):
            continue  # it asks for the slash at the end, or for one rule
        if call.method != "startswith" or _is_loose(facts, call.args[0] if call.args else None):
            yield call.function, call.span, _BEGINNING if call.method == "startswith" else _END
    for call in facts.calls("filter", "map"):
        asks, paths = call.argument(0), call.argument(1)
        if isinstance(asks, Name) and asks.dotted in _STARTS and paths is not None and _is_loose(facts, paths):
            yield call.function, call.span, _BEGINNING if asks.dotted.endswith("startswith") else _END
    for call in facts.calls("fnmatch.fnmatch", "fnmatch.fnmatchcase"):
        if len(call.args) > 1 and _is_path(call.args[0]) and _is_open_shape(facts, call.args[1]):
            yield call.function, call.span, "an open pattern of the path"
    for call in facts.calls("re.search", "re.match"):
        if len(call.args) > 1 and _is_path(call.args[1]) and is_open_pattern(text_of(call.args[0]), call.method):
            yield call.function, call.span, "an open pattern of the path"
    for call in facts.calls("?.search", "?.match"):
        pattern = call.receiver
        if not isinstance(pattern, Call) or pattern.callee != "re.compile" or not any(map(_is_path, call.args[:1])):
            continue
        if any(is_open_pattern(text_of(one), call.method) for given in pattern.args[:1] for one in options(given)):
            yield call.function, call.span, "an open pattern of the path"


def _asked_by_helpers(facts: SourceFacts) -> Iterator[tuple[str, Span | None, str]]:
    """The same questions in a helper that is given the path: the guard is who calls it."""
    looks = [(call.receiver, call, _BEGINNING if call.method == "startswith" else _END) for call in facts.calls("?.startswith", "?.endswith")
             if _is_loose(facts, call.args[0] if call.args else None)]  # fmt: skip
    looks += [(call.args[1], call, "an open pattern of the path") for call in facts.calls("re.search", "re.match")
              if len(call.args) > 1 and is_open_pattern(text_of(call.args[0]), call.method)]  # fmt: skip
    for asked, call, what in looks:
        if isinstance(asked, Parameter):
            for caller in facts.calls(asked.function):
                if any(map(_is_path, passed_by(facts, asked, caller))):
                    yield caller.function, call.span, what


def _tests_around(facts: SourceFacts, function: str, look: Span) -> list[Span]:
    return [one.span for one in facts.conditions_in(function) if one.span.holds(look) and one.span != look]


def _decides(facts: SourceFacts, function: str, look: Span) -> bool:
    """That something hangs on the answer: whether the function goes on, or what it gives back. Not what another function is told, not a
    step that is only added for some paths, and not which error is raised where one is raised in both cases."""
    helper = facts.function_around(look)  # a step of its one caller is read there
    asked = list(facts.calls(helper)) if helper not in ("", function) else []
    if asked and all(_is_handed_on(facts, call) for call in asked):
        return False
    around = [
        one
        for one in facts.conditions_in(function)
        if one.span.holds(look) or any(part.span == look for part in walk(one.value, 4))
    ]
    if around:
        return any(_lets_go(facts, one, look) for one in around)
    given = [one.value for one in facts.returns_of(function)]
    if any(part.span == look for value in given for part in walk(value, 4)):
        return True
    handed = [call for call in facts.calls_in(function) if call.span != look and call.callee not in _TRUTHS]
    return not any(part.span == look for call in handed for passed in call.args for part in walk(passed, 3))


def _lets_go(facts: SourceFacts, one: Condition, look: Span) -> bool:
    if one.refuses:
        alone = one.span == look and not one.negated and not _is_denied(facts, one.function, look)
        return not alone and not _moves_on(facts, one)
    body = one.body
    if one.stops and body is not None and _gives_no(facts, one.function, body):
        return False
    if one.stops or body is None:
        return True
    asked = [inner.span for inner in facts.conditions_in(one.function) if inner.refuses]
    asked += [raised.span for raised in raised_in(facts, one.function)]
    asked += [
        call.span for call in facts.calls_in(one.function) if call.span is not None and _ABOUT_WHO.search(call.callee)
    ]
    return any(body.holds(span) for span in asked)


def _gives_no(facts: SourceFacts, function: str, body: Span) -> bool:
    """``return False`` of a question that is answered with ``True`` elsewhere: whoever asks goes on as for any other path."""
    given = [(body.holds(one.span), one.value) for one in facts.returns_of(function)]
    hooked = any(function in route.hooks for route in facts.routes)
    inside = [value for held, value in given if held]
    return (
        not hooked
        and bool(inside)
        and all(is_constant(one, False) for one in inside)
        and any(is_constant(value, True) for held, value in given if not held)
    )


def _is_denied(facts: SourceFacts, function: str, look: Span) -> bool:
    """``"/static" not in request.url``"""
    return any(found.operator == "not in" and found.span == look for found in facts.comparisons_in(function))


def _is_path(value: Value | None) -> bool:
    if isinstance(value, Call) and value.method in ("lower", "strip", "rstrip"):
        return _is_path(value.receiver) or value.callee.rpartition(".")[0] in PATHS
    if (
        isinstance(value, Item) and is_constant(value.key, 0) and isinstance(cut := value.owner, Call)
    ):  # what stands before the query
        return cut.method in ("split", "partition") and (
            _is_path(cut.receiver) or cut.callee.rpartition(".")[0] in PATHS
        )
    return isinstance(value, Name) and value.dotted in PATHS


def _words_of_endpoints(facts: SourceFacts, app: App) -> Iterator[tuple[str, Span | None, str]]:
    for compared in facts.comparisons("in", "not in"):
        asked = compared.right
        told = isinstance(asked, Name) and asked.dotted == "flask.request.endpoint"
        if told and takes_others_in(app, text_of(compared.left)):
            yield compared.function, compared.span, "a word anywhere in the endpoint"


def _is_ending(value: Value) -> bool:
    """``request.path.rsplit(".", 1)[-1]``, ``splitext(request.path)[1]``, ``PurePath(request.path).suffix``"""
    match value:
        case Call(receiver=inner, method="lower" | "strip" | "lstrip") if inner is not None:
            return _is_ending(inner)
        case Item(owner=Call() as made, key=Constant(value=place)):
            cut = made.callee.rpartition(".")[0] in PATHS or _is_path(made.receiver)
            return (made.method in _LAST and place in (-1, 2) and cut) or (
                made.callee in ("os.path.splitext", "posixpath.splitext")
                and place in (1, -1)
                and any(map(_is_path, made.args))
            )
        case Member(owner=Call() as made, attribute="suffix" | "name" | "stem"):
            return made.callee.startswith("pathlib.") and any(map(_is_path, made.args))
        case _:
            return False


def _is_open_shape(facts: SourceFacts, shape: Value) -> bool:
    """``*/health`` and ``/docs*``, and not ``/docs/*``: the star stands for more than what lies below a whole part."""
    texts = [text_of(one) for held in facts.followed(shape) for one in walk(held, 3)]
    texts += [
        text_of(one)
        for part in walk(shape, 3)
        if isinstance(part, ConfigValue)
        for held in facts.followed(part)
        for one in walk(held, 3)
    ]
    return any("*" in text.removesuffix("/*") for text in texts if text)


def _is_loose(facts: SourceFacts, prefix: Value | None) -> bool:
    """That a prefix ends in the middle of a part of the path: ``/public`` is also the beginning of ``/publications``."""
    held = [part for one in facts.followed(prefix) for part in walk(one, 3)]
    settings = (said for one in held if isinstance(one, ConfigValue) for said in facts.followed(one))
    held += [part for said in settings for part in walk(said, 2)]  # ``tuple(app.config["OPEN"])``
    texts = [str(one.value) for one in held if isinstance(one, Constant) and isinstance(one.value, str)]
    return any(text != "" and not text.endswith("/") for text in texts)


def _is_guard(facts: SourceFacts, function: str) -> bool:
    """That the function runs before requests, and can turn them away."""
    if not function or _tells_own_rules_apart(facts, function):
        return False
    hooked = function in hung(facts, *BEFORE) or any(function in route.hooks for route in facts.routes)
    asked = [one for one in facts.conditions_in(function) if one.function == function]  # not those of its one caller
    refuses = any(one.refuses and not _moves_on(facts, one) for one in asked)
    wraps = any(isinstance(one.value, Call) and one.value.callee == "?" for one in facts.returns_of(function))
    return refuses or ((hooked or wraps) and _asks_who(facts, function))


def _is_closed_for_all(call: Call) -> bool:
    """``abort(503)``: nobody is let in for a while, whoever it is."""
    return call.callee.endswith("abort") and is_constant(call.argument(0, "code"), 503)


def _moves_on(facts: SourceFacts, one: Condition) -> bool:
    """``if request.path.startswith("/docs"): return redirect("https://docs.example.com")``: pages that moved to another host, or the same
    address spelled otherwise."""
    body = one.body
    back = [found.value for found in facts.returns_of(one.function) if body is not None and body.holds(found.span)]
    return bool(back) and all(
        isinstance(sent, Call)
        and sent.callee == "flask.redirect"
        and bool(sent.args)
        and (_HOST.match(_beginning(sent.args[0])) is not None or _is_same_address(sent.args[0]))
        for sent in back
    )


def _is_same_address(value: Value) -> bool:
    """``request.url.replace("http://", "https://")``"""
    return isinstance(value, Call) and value.callee.startswith(("flask.request.url.", "flask.request.base_url."))


def _beginning(value: Value) -> str:
    """The literal text that it begins with."""
    first = value.parts[0] if isinstance(value, Format) and value.parts else value
    return text_of(first) or ""


def _tells_own_rules_apart(facts: SourceFacts, function: str) -> bool:
    """A view asks the path which of its own rules was called, and a handler of errors where to send people back to: other paths do not come
    to either. A view whose rule takes paths of any length stands before other things."""
    if facts.error_handlers_of(function):
        return True
    routes = facts.routes_of_view(function)
    if not routes and any(_has_view(call, function) for call in facts.calls("*.add_url_rule")):
        return True  # under a rule that is put together
    return bool(routes) and not any(kind == "path" for route in routes for _, kind in route.parameters)


def _has_view(call: Call, function: str) -> bool:
    view = call.argument(2, "view_func")
    return isinstance(view, Name) and view.dotted == function


def _is_asked_by_guard(facts: SourceFacts, function: str) -> bool:
    """``if self.is_open(): return``: a guard asks a helper that looks at the path itself."""
    own = facts.function(function)
    return (
        own is not None
        and bool(own.returns)
        and any(_is_guard(facts, call.function) and not _is_handed_on(facts, call) for call in facts.calls(function))
    )


def _is_handed_on(facts: SourceFacts, asked: Call) -> bool:
    """``load(count())``: another function is told the answer."""
    return any(
        isinstance(part, Call) and part.span == asked.span
        for call in facts.calls_in(asked.function)
        if call is not asked and call.callee not in _TRUTHS
        for part in (*call.args, *(value for _, value in call.keywords))
    )


def _asks_who(facts: SourceFacts, function: str, depth: int = 2) -> bool:
    """That the function has to do with a credential: it calls what is named for one, reads one, or answers 401 or 403. A hook that
    counts, logs or closes the site for a while has not."""
    if any(_ABOUT_WHO.search(call.callee) and not _is_closed_for_all(call) for call in facts.calls_in(function)):
        return True
    values = [one.value for one in facts.conditions_in(function)]
    values += [one.value for one in facts.assignments_in(function)]
    values += [one.value for one in facts.returns_of(function)]
    values += [side for one in facts.comparisons_in(function) for side in (one.left, one.right)]
    if any(_is_about_who(part) for value in values for part in walk(value, 6)):
        return True
    called = {call.callee for call in facts.calls_in(function)} if depth else set[str]()
    return any(facts.function(name) is not None and _asks_who(facts, name, depth - 1) for name in called)


def _is_about_who(part: Value) -> bool:
    match part:
        case Constant(value=401 | 403):
            return True
        case Constant(value=str(text)):
            return text.lower() in ("authorization", "x-api-key")
        case Name(dotted=word) | Member(attribute=word):
            return _ABOUT_WHO.search(word) is not None
        case Item(key=Constant(value=str(word))):
            return _ABOUT_WHO.search(word) is not None
        case _:
            return False


def probe(target: Target) -> Steps[Verdict]:
    """Asks a closed route as nobody, with the words that a careless guard looks for in the query and in the path."""
    baseline = yield from protected(target)
    if baseline is None:
        return unsure("no route was found that only a good credential passes")
    words = "&".join(f"w{number}={word}" for number, word in enumerate(dict.fromkeys((*_words(target.app), *WORDS))))
    path, _, query = baseline.request.target.partition("?")
    tries = [f"{path}?{query}&{words}" if query else f"{path}?{words}"]
    tries += [f"{prefix}/..{path}" for prefix in ("/static", "/public")]
    for wanted in tries:
        request = baseline.request
        asked = Request(request.method, wanted, request.headers, request.body, request.effect)
        exchange = yield from send(asked)
        if judge(baseline, exchange.response) == "let-in":
            seen = Evidence(
                "exchange", "without a credential, and with other words in its address, the route answers", exchange
            )
            message = f"{baseline.ref} is open without a credential where the address has a public word in it"
            return failed(message, (baseline.ref,), (*controls(baseline), seen))
    return passed(f"{baseline.ref} stays closed whatever else stands in its address")


def _words(app: App) -> tuple[str, ...]:
    """The words that the source looks for."""
    found = [text_of(one.left) for one in source_of(app).comparisons("in", "not in") if _is_path(one.right)]
    return tuple(word for word in found if word)[:6]


RULE = Rule(
    slug="auth-check-bypassed-by-path",
    family="bearer",
    title="Authentication is skipped by a part of the path",
    harm=__doc__ or "",
    severity="high",
    check="authentication",
    cwe=(863,),
    owasp="API5:2023",
    asvs=("V8.2.1",),
    surfaces=("source", "wsgi", "http"),
    ends="Stopper closes every route and opens only the views that say `@public`.",
    detect=detect,
    probe=probe,
)
