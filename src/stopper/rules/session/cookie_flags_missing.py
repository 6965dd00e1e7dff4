"""What the cookie holds travels over plain HTTP, can be read by scripts, or goes along with other sites' requests."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stopper.core.account_names import said_name
from stopper.core.answers.cookie_flags import flags_of_own_responses, lacking_flags, set_cookies
from stopper.core.answers.response_headers import headers_set
from stopper.core.app import App
from stopper.core.deployment.setting_facts import plain
from stopper.core.edits.call_edits import passing
from stopper.core.facts import SourceFacts, source_of
from stopper.core.finding import Evidence, Verdict
from stopper.core.flow.passing import given
from stopper.core.flow.unpacked_calls import unpacked
from stopper.core.labels import CREDENTIALS
from stopper.core.place import Span
from stopper.core.probe import Steps, Target, failed, not_applicable, passed
from stopper.core.probing.cookies import answers_with_cookies
from stopper.core.rule import Certainty, Edit, Hit, Rule
from stopper.core.tokens.flask_cookie import session_cookie_name
from stopper.core.values import (
    Call,
    ConfigValue,
    Constant,
    EnvironmentValue,
    Format,
    Item,
    Parameter,
    Value,
    is_constant,
    options,
    text_of,
    walk,
)

_FLAGS: Final = {"secure": (6, "Secure"), "httponly": (7, "HttpOnly"), "samesite": (8, "SameSite")}
"""``Response.set_cookie(key, value, max_age, expires, path, domain, secure, httponly, samesite)``."""
_FOR_SCRIPTS: Final = re.compile(r"(?i)csrf|xsrf")
_CREDENTIAL: Final = re.compile(r"(?i)sess|token|auth|jwt|sid|login|user|remember|credential|key")
_KEYS: Final = re.compile(
    r"(?i)sess|token|auth|jwt|(?:^|[^a-z])sid|sid$|remember|credential|secret|(?:api|access)[_-]?key|pass"
)
"""Of these the names of what opens a door by itself; whose page it is, the others may say as well."""
_OF_LOOKS: Final = re.compile(
    r"(?i)(?:page_?size|per_?page|page_?views?|views?|lang|language|locale|theme|dark_?mode|(?:hide|show)_\w+|sort(?:_?by|_?order)?|layout|time_?zone|tz|currency|"
    r"font_?size|sidebar\w*|collapsed|(?:cookie_?)?consent|banner\w*|last_(?:tab|page|view))"
)
"""Cookies that say how somebody wants pages to look: whoever reads or writes one learns and gains nothing."""
OTHERS: Final = frozenset(
    {
        "access_token_cookie",
        "refresh_token_cookie",
        "csrf_access_token",
        "csrf_refresh_token",
        "remember_token",
    }
)
"""Cookies that rules of their own look at."""


_DOMAIN: Final = re.compile(r"[\w-]+(?:\.[\w-]+)+")


_DUMPS: Final = ("werkzeug.http.dump_cookie", "werkzeug.dump_cookie")
"""What makes the text of a header, with the arguments of ``set_cookie``."""


def _is_of_a_client(call: Call) -> bool:
    """``jar.set_cookie("files.example.com", "lang", "en")``: the cookie of somebody else's site, which this program keeps as a browser does."""
    domain = text_of(call.argument(0)) or ""
    return len(call.args) > 2 and _DOMAIN.fullmatch(domain) is not None


def detect(app: App) -> Iterator[Hit]:
    """``set_cookie`` whose visible arguments leave a flag out or switch it off."""
    facts = source_of(app)
    if not facts.imports("flask", "werkzeug", "quart", "apiflask"):
        return
    yield from _by_hand(facts)
    told: set[tuple[str, str]] = set()
    given = flags_of_own_responses(facts)
    for call in (one for written in facts.calls("*.set_cookie", *_DUMPS) for one in unpacked(facts, written)):
        if (
            call.open
            or _ends(facts, call)
            or _is_of_no_name(facts, call)
            or _is_of_a_client(call)
            or _is_fixed(facts, call)
        ):
            continue
        name = _named(call)
        if _OF_LOOKS.fullmatch(name) and not facts.derives(call.argument(1, "value"), *CREDENTIALS):
            continue
        lacking = [
            said for word, (place, said) in _FLAGS.items() if word not in given and _missing(facts, call, place, word)
        ]
        for_scripts = _FOR_SCRIPTS.search(name or _said(call)) is not None
        if for_scripts and "HttpOnly" in lacking:
            lacking.remove("HttpOnly")
        if lacking and (call.function, name) not in told:
            told.add((call.function, name or str(call.span)))  # one cookie, whichever way the view ends
            message = f"the cookie {name or 'that is set here'} lacks {', '.join(lacking)}"
            if for_scripts or (name and not _opens(facts, call, name)):
                yield Hit(f"{message}: look whether it opens anything", call.span, certainty="possible", severity="low")
            else:
                yield Hit(message, call.span, certainty="certain" if _CREDENTIAL.search(name) else None)


def _named(call: Call) -> str:
    """The cookie's name; of several that a loop goes through, the one that opens something."""
    names = [text for one in options(call.argument(0, "key")) if (text := text_of(one))]
    return next((one for one in names if _CREDENTIAL.search(one)), names[0] if len(names) == 1 else "")


def _said(call: Call) -> str:
    """The name under which the code has the cookie's name: ``settings.CSRF_COOKIE_NAME``."""
    name = call.argument(0, "key")
    return name.key if isinstance(name, ConfigValue) else said_name(name) if name is not None else ""


def _opens(facts: SourceFacts, call: Call, name: str) -> bool:
    """That the cookie is a credential by its name or by what it holds, or says who somebody is and is read again: an id or a date that only
    a page's script reads opens nothing."""
    value = call.argument(1, "value")
    if _KEYS.search(name) or facts.derives(value, *CREDENTIALS, "session", "claims"):
        return True
    if value is not None and any(
        isinstance(part, Call) and (part.method == "sign" or "itsdangerous" in part.callee) for part in walk(value, 4)
    ):
        return True  # nobody signs what opens nothing
    return _CREDENTIAL.search(name) is not None and any(
        one.key == name for one in facts.readings("flask.request.cookies")
    )


def _headers(facts: SourceFacts) -> Iterator[tuple[Value, Span]]:
    """What is written into ``Set-Cookie``: ``headers[…] = …``, ``headers.add(…)``, ``headers.set(…)``."""
    for flow in facts.flows("response-header"):
        if flow.detail.lower() == "set-cookie":
            yield flow.value, flow.span
    for call in facts.calls("*.add", "*.set", "*.add_header"):
        if len(call.args) == 2 and call.span is not None and (text_of(call.args[0]) or "").lower() == "set-cookie":
            yield call.args[1], call.span
    for one in headers_set(facts, "Set-Cookie"):  # in what a view gives back, too
        yield one.value, one.span


_WORDS: Final = {"Secure": "secure", "HttpOnly": "httponly", "SameSite": "samesite=(lax|strict)"}
"""The attributes in a header that is written by hand (RFC 6265 §5.2: in any letter case)."""


def _by_hand(facts: SourceFacts) -> Iterator[Hit]:
    """``headers["Set-Cookie"] = f"sid={sid}; Path=/"``: the whole text is seen, and attributes are not in it."""
    for value, span in {(id(value), span): (value, span) for value, span in _headers(facts)}.values():
        if isinstance(value, Call) and value.method in _WRITES_OUT and value.receiver is not None:
            yield from _of_morsel(facts, value, span)
        if not isinstance(value, (Constant, Format)):
            continue
        inside = value.parts if isinstance(value, Format) else (value,)
        text = "".join(text_of(part) or "?" for part in inside).replace(" ", "").lower()
        head, _, attributes = text.partition(";")
        if "=" not in head or attributes.rpartition(";")[2] == "?" or "max-age=0" in attributes:
            continue
        attributes = attributes.rstrip("?")  # what ``format`` is given stands behind its whole text
        lacking = [name for name, word in _WORDS.items() if not re.search(f"(^|;){word}(;|$)", attributes)]
        if _FOR_SCRIPTS.search(head) and "HttpOnly" in lacking:
            lacking.remove("HttpOnly")
        if lacking:
            name = head.partition("=")[0]
            yield Hit(
                f"the cookie {name} lacks {', '.join(lacking)}",
                span,
                certainty="certain" if _CREDENTIAL.search(name) else None,
            )


_WRITES_OUT: Final = frozenset({"OutputString", "output"})
"""What makes a header of a cookie of ``http.cookies``."""


def _of_morsel(facts: SourceFacts, made: Call, span: Span) -> Iterator[Hit]:
    """``jar["seen"].OutputString()``, where ``jar["seen"]["secure"] = True`` and its like are not all said in that function."""
    if made.receiver is None or not facts.imports("http.cookies"):
        return
    said = {
        one.attribute.lower()
        for one in facts.assignments_in(made.function)
        if not is_constant(one.value, False, None, "")
    }
    inside = (made.receiver, *walk(made.receiver, 3))
    keys = (text for one in inside if isinstance(one, Item) and (text := text_of(one.key)) is not None)
    name = made.receiver.name or next(keys, "")  # what was put there is known by the name that it was put under
    lacking = [shown for word, (_, shown) in _FLAGS.items() if word not in said]
    if _FOR_SCRIPTS.search(name) and "HttpOnly" in lacking:
        lacking.remove("HttpOnly")
    emptied = "max-age" in said and any(is_constant(one.value, 0) for one in facts.assignments_in(made.function))
    if lacking and not emptied and not _OF_LOOKS.fullmatch(name):
        sure: Certainty | None = "certain" if _CREDENTIAL.search(name) else None
        yield Hit(f"the cookie {name or 'that is set here'} lacks {', '.join(lacking)}", span, certainty=sure)


def _is_of_no_name(facts: SourceFacts, call: Call) -> bool:
    """That the cookie's name is not known, and nothing says that its value is worth anything: choices of a page, most often."""
    name, value = call.argument(0, "key"), call.argument(1, "value")
    if _named(call) or isinstance(name, (ConfigValue, EnvironmentValue)):
        return False
    passed_on = given(facts, name) if isinstance(name, Parameter) else ()
    words = " ".join(said_name(part) for one in (name, value) if one is not None for part in walk(one, 3))
    words = " ".join((words, *(text_of(one) or "" for one in passed_on)))
    return not _CREDENTIAL.search(words) and not facts.derives(value, *CREDENTIALS, "session", "claims")


def _is_fixed(facts: SourceFacts, call: Call) -> bool:
    """One of several texts of the code, here or at each caller: it tells a page something and opens nothing."""
    said = [
        one
        for option in options(call.argument(1, "value"))
        for one in (given(facts, option) if isinstance(option, Parameter) else (option,))
    ]
    name = text_of(call.argument(0, "key"))
    opens_nothing = len(said) > 1 or (name is not None and not _CREDENTIAL.search(name))
    return bool(said) and opens_nothing and all(isinstance(one, Constant) for one in said)


def _missing(facts: SourceFacts, call: Call, place: int, word: str) -> bool:
    if call.lacks(place, word):
        return True
    said = call.argument(place, word)
    shown = given(facts, said) if isinstance(said, Parameter) else (said,)
    values = [value for one in shown for value in plain(facts, one)]
    if word == "samesite":
        return bool(values) and all(value is None or str(value).lower() not in ("lax", "strict") for value in values)
    return bool(values) and not any(values)


def _ends(facts: SourceFacts, call: Call) -> bool:
    """The call takes the cookie away."""
    if is_constant(call.argument(1, "value"), "") or call.argument(1, "value") is None:
        return True
    return is_constant(call.argument(2, "max_age"), 0) or is_constant(call.argument(3, "expires"), 0)


def probe(target: Target) -> Steps[Verdict]:
    """Look at the cookies of the application's own that answers set."""
    answers = yield from answers_with_cookies(target)
    left_out = {session_cookie_name(target.app), *OTHERS}
    seen = False
    for ref, exchange in answers:
        for cookie in set_cookies(exchange.response):
            if cookie.name in left_out or cookie.ends:
                continue
            seen = True
            if lacking := lacking_flags(cookie, readable=bool(_FOR_SCRIPTS.search(cookie.name))):
                evidence = Evidence("exchange", f"the cookie {cookie.name} lacks {', '.join(lacking)}", exchange)
                return failed(f"{ref} sets the cookie {cookie.name} without {', '.join(lacking)}", (ref,), (evidence,))
    return (
        passed("every cookie has Secure, HttpOnly and SameSite")
        if seen
        else not_applicable("no answer set a cookie of its own")
    )


def fix(app: App, hit: Hit) -> Edit | None:
    """The flags that are left out, and True for a literal False of a keyword; a cookie that scripts read stays readable. The same cookie
    elsewhere in the function gets them too."""
    facts = source_of(app)
    first = next(
        (call for call in facts.calls("*.set_cookie") if call.span is not None and call.span == hit.span), None
    )
    if first is None:
        return None
    name = text_of(first.argument(0, "key"))
    same = [call for call in facts.calls_in(first.function) if call.method == "set_cookie" and call is not first]
    alike = [
        call
        for call in same
        if name and text_of(call.argument(0, "key")) == name and not call.open and not _ends(facts, call)
    ]
    lacking = [call for call in alike if any(_missing(facts, call, place, word) for word, (place, _) in _FLAGS.items())]
    edits = [_flagged(facts, call) for call in (first, *lacking)]
    made = [edit for edit in edits if edit is not None]
    return replace(made[0], also=tuple(made[1:])) if len(made) == len(edits) else None


def _flagged(facts: SourceFacts, call: Call) -> Edit | None:
    missing = [word for word, (place, _) in _FLAGS.items() if _missing(facts, call, place, word)]
    if _FOR_SCRIPTS.search(text_of(call.argument(0, "key")) or ""):
        missing = [word for word in missing if word != "httponly"]
    values = {word: call.keyword(word) for word in missing}
    by_hand = [word for word, value in values.items() if value is not None and not is_constant(value, False, None)]
    if by_hand or any(_FLAGS[word][0] < len(call.args) for word in missing):
        return None
    passed = tuple((word, '"Lax"' if word == "samesite" else "True") for word in missing)
    return passing(call, *passed, safe=False)


RULE = Rule(
    slug="cookie-flags-missing",
    family="session",
    title="A cookie is set without Secure, HttpOnly or SameSite",
    harm=__doc__ or "",
    severity="medium",
    check="transport",
    cwe=(1004,),
    owasp="API8:2023",
    asvs=("V3.3.3",),
    surfaces=(
        "source",
        "wsgi",
        "http",
    ),
    ends="Stopper's `@browser_session` has a `__Host-` cookie, Secure, HttpOnly and SameSite.",
    certainty="likely",
    detect=detect,
    probe=probe,
    fix=fix,
)
