"""The cookies that an answer sets, and what protects them (RFC 6265bis §5.6)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from stopper.core.exchange import Response
from stopper.core.tokens.flask_cookie import payload
from stopper.core.values import Constant

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

FLAGS: Final = ("secure", "httponly", "samesite")
"""The flags of a cookie as ``set_cookie`` calls them."""
INTERFACES: Final = ("flask.sessions.SecureCookieSessionInterface", "flask.sessions.SessionInterface")
"""Classes that keep Flask's session; a project's own may stand on them."""
_RESPONSES: Final = ("flask.Response", "flask.wrappers.Response", "werkzeug.wrappers.Response", "werkzeug.Response")


@dataclass(frozen=True, slots=True)
class CookieSet:
    """One ``Set-Cookie``: attributes by their name in lower case, with ``""`` for a flag."""

    name: str
    value: str
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def ends(self) -> bool:
        """That the header takes the cookie away."""
        return not self.value or self.attributes.get("max-age") == "0" or "1970" in self.attributes.get("expires", "")


def set_cookies(response: Response) -> tuple[CookieSet, ...]:
    """The cookies that *response* sets, in order."""
    found: list[CookieSet] = []
    for header in response.all_headers("Set-Cookie"):
        pair, *rest = header.split(";")
        name, _, value = pair.partition("=")
        attributes = {key.strip().lower(): said.strip() for key, _, said in (one.partition("=") for one in rest)}
        found.append(CookieSet(name.strip(), value.strip().strip('"'), attributes))
    return tuple(found)


def cookies_of(response: Response, words: tuple[str, ...] = ("",)) -> str:
    """What a browser would send back of the answer's cookies, those whose name holds one of *words*."""
    from http.cookies import CookieError, SimpleCookie  # only probes come here

    kept: dict[str, str] = {}
    for line in response.all_headers("Set-Cookie"):
        try:
            jar = SimpleCookie(line)
        except CookieError:
            continue
        kept.update(
            {
                name: one.coded_value
                for name, one in jar.items()
                if one.value and any(word in name.lower() for word in words)
            }
        )
    return "; ".join(f"{name}={value}" for name, value in kept.items())


def flags_of_own_responses(facts: "SourceFacts") -> frozenset[str]:
    """The flags that a class of answers of the project gives every cookie, in a ``set_cookie`` of its own."""
    found: set[str] = set()
    for one in facts.classes(*_RESPONSES):
        own = f"{one.name}.set_cookie"
        given = [(said.attribute, said.value) for said in facts.assignments_in(own)]
        given += [pair for call in facts.calls_in(own) for pair in call.keywords if call.method == "set_cookie"]
        found |= {
            name for name, value in given if name in FLAGS and not (isinstance(value, Constant) and not value.value)
        }
    return frozenset(found)


def flags_of_own_interfaces(facts: "SourceFacts") -> frozenset[str]:
    """The flags that an interface of the project gives the session's cookie, whatever the settings say: ``def get_cookie_samesite`` with
    ``return "Lax"``."""
    found: set[str] = set()
    for one in facts.classes(*INTERFACES):
        for flag in FLAGS:
            given = [said.value for said in facts.returns_of(f"{one.name}.get_cookie_{flag}")]
            if given and all(
                isinstance(value, Constant) and value.value not in (None, False, "None", "") for value in given
            ):
                found.add(flag)
    return frozenset(found)


def own_session_stores(facts: "SourceFacts") -> Iterator[str]:
    """Classes of the project that keep the session and write its cookie themselves: neither the key nor the flags of the settings serve
    them, unless they ask for those."""
    for one in facts.classes("flask.sessions.SessionInterface"):
        saves = f"{one.name}.save_session"
        asked = {call.method for call in facts.calls_in(saves)}
        if "set_cookie" in asked and not any(word.startswith("get_cookie_") and word[11:] in FLAGS for word in asked):
            yield one.name


def lacking_flags(cookie: CookieSet, *, readable: bool = False) -> tuple[str, ...]:
    """What the cookie lacks; *readable* cookies are made for scripts and need no HttpOnly."""
    lacking = [] if "secure" in cookie.attributes else ["Secure"]
    if "httponly" not in cookie.attributes and not readable:
        lacking.append("HttpOnly")
    said = cookie.attributes.get("samesite")
    if said is None:
        lacking.append("SameSite")
    elif said.lower() not in ("lax", "strict"):
        lacking.append(f"SameSite=Lax or Strict (it says {said[:12] or 'nothing'}: other sites' requests carry it)")
    return tuple(lacking)


_TASTES: Final = re.compile(
    r"(?i)(user_?)?(pref(erence)?s?|settings?|theme|(dark|light)?_?mode|lang(uage)?|locale|time_?zone|tz|consent|cookie_?consent|visited|visits|csrf\w*|xsrf\w*|_ga\w*)"
)
"""What a cookie is called that holds what somebody likes, or a token against forged requests."""
_OF_ANYBODY: Final = frozenset({"_flashes", "_fresh", "_permanent", "csrf_token", "_csrf_token"})
"""What Flask, Flask-Login and Flask-WTF keep in the session of somebody who has not come in."""


def sets_credential(response: Response) -> bool:
    """Whether one of the cookies that are set may say who somebody is: a session of Flask's that holds a message and nothing else does not."""
    return any(_says_who(one) for one in set_cookies(response))


def _says_who(cookie: CookieSet) -> bool:
    held = payload(cookie.value)
    return not _TASTES.fullmatch(cookie.name) and not (held and held.keys() <= _OF_ANYBODY)
