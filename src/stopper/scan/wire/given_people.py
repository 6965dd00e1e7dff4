"""People who were given to a scan want their accounts and credentials back: what could end one is not sent as them."""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final, cast
from urllib.parse import unquote

from stopper.core.exchange import Request
from stopper.core.login_names import PASSWORD
from stopper.core.naming import brings_credential
from stopper.core.probe import Identity
from stopper.scan.wire.body_members import members_in
from stopper.scan.wire.deeds_by_get import deed_in, words_of
from stopper.scan.wire.own_resets import PASSWORDS, names_somebody
from stopper.scan.wire.transport import READ_METHODS

LONGEST: Final = 2_000
"""Letters of a path that is looked at: some patterns take the square of its length."""
TELLING: Final = 6
"""Letters of a credential that does not stand in a request by chance."""
_ENDS: Final = re.compile(
    r"(?i)(^|[/_-])(log-?_?(out|off)|sign-?_?(out|off)|revoke\w*|invalidate\w*|refresh\w*|renew\w*|rotate|rotation|roll|regenerate\w*|reissue\w*|"
    r"re-?generate|expire|terminate|impersonate|switch[_-](user|account|tenant|org))([/_.-]|$)"
)
"""Paths behind which the credential that asks may be over afterwards: it is ended, or another takes its place."""
_REPLACES: Final = re.compile(
    r"(?i)(^|/)(my[_-]?)?(api[_-]?key|access[_-]?token|api[_-]?token|token|secret|client[_-]secret)/?$"
)
"""Paths of the one key that somebody has: a new one takes the place of the old one."""
_OF_KEYS: Final = re.compile(
    r"(?i)(key|secret|credential)s?[/_-].*(rotate|roll|re-?generate|renew|reissue|reset|revoke)|tokens?[/_-].*(rotate|re-?generate)|"
    r"(rotate|roll|re-?generate|renew|reissue|reset|revoke)[/_-].*(key|secret|credential)"
)
"""Paths that give somebody another key in place of one that programs may use."""
_ACCOUNT: Final = re.compile(
    r"(?i)(^|[/_-])(deactivate\w*|(disable|close|delete|remove|anonymi[sz]e|erase|terminate)d?|(suspend|lock|destroy)(ed)?|cancel(l?ed)?|forget|deletion)[/_-]?(my[_-]?)?(me|self|account|user|profile)?/?$"
)
_GIVES_UP: Final = re.compile(r"(?i)(^|[/_-])(unregister|deregister|leave)/?$")
"""Paths behind which the account of whoever asks is over."""
_OF_AN_ACCOUNT: Final = re.compile(r"(?i)(^|/)(me|self|account|profile|settings)/?$")
_IS_OVER: Final = re.compile(
    r"(?i)(is_?)?(deleted|disabled|closed|deactivated|suspended|banned|blocked|archived|locked|terminated)(_?at)?"
)
_IS_ON: Final = re.compile(r"(?i)(is_?)?(active|enabled|alive)")
_OVER: Final = frozenset(
    {"deleted", "disabled", "closed", "deactivated", "inactive", "suspended", "banned", "blocked", "archived", "locked"}
)
"""A change of an account that says in its body that it is over: ``PATCH /me {"deleted": true}``."""
_MAKES_KEY: Final = re.compile(
    r"(?i)(^|/)(me|self|account|profile)/(.{0,40}[/_-])?(generate|create|new|change)[/_-](my[_-]?)?(api[_-]?)?(key|secret|token)/?$|"
    r"(^|/)(generate|change)[_-](my[_-]?)?(api[_-]?)?(key|secret)/?$"
)
"""Paths that make somebody a key, which may take the place of the one that was given."""
_OF_ONESELF: Final = re.compile(
    r"(?i)(^|[/_-])((close|delete|remove|deactivate|disable|cancel)(my)?)?(me|self|account|profile|user|settings)([/_-]|$)"
)
_EVERYWHERE: Final = re.compile(
    r"(?i)(log-?_?(out|off)|sign-?_?out|revoke|invalidate)[/_-]?(all|everywhere|other|others|every)|(^|[/_-])(all|others?|everywhere)[/_-](log|sign)-?_?out"
)
"""Paths that end the log-ins of one person on all devices."""
_SECOND_FACTOR: Final = re.compile(
    r"(?i)(^|[/_-])(2fa|mfa|otp|pin|two[_-]?factor|totp|second[_-]factor|webauthn|passkeys?|authenticator|(backup|recovery)[_-]?codes?)([/_.-]|$)"
)
"""Paths that change what somebody needs beside the password to log in."""
_NEW_PASSWORD: Final = re.compile(
    r"(?i)(^|[/_-])((ch|change|update|set|edit|new|modify|alter|rotate|reset|save)[/_-]?(my|user|account)?[/_-]?(pass-?words?|passwd|passphrase|pwd|pass|pw|senha|clave|contrasena|passwort)|"
    r"(pass-?word|passwd|pwd)([/_-](ch|change|update|set|edit|new|reset))?)/?$"
)
"""Paths that give somebody another password: ``/user/chpasswd``."""
_FORGETS: Final = PASSWORDS | {"recover", "recovery", "reset"}
"""Words of paths where somebody who has forgotten a password is named: nobody asks so who is in."""
_CALLED: Final = re.compile(
    r"(?i)(^|/)(me|self|account|profile|settings|users?/[^/]{1,80})/((change|update|set|edit)[_-]?)?(e?-?mails?|e?-?mail[_-]address|user_?-?name|login|phone(-?number)?)/?$|"
    r"(^|[/_-])(change|update|set|edit)[_-]?(my[_-]?)?(e?-?mail|user_?-?name|phone)/?$"
)
"""Paths of what somebody is called by and gets back an account with: what it was, nothing shows there."""


class GivenPeople:
    """Who was given to a scan, by name, and the credentials that were given as they are. One per courier."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self._held: set[str] = set()
        self._subjects: set[str] = set()
        """What they log in by, in small letters."""
        self._called: set[str] = set()
        """What requests as them have said somebody is called, in small letters: an account of theirs may bear it."""

    def take_up(self, people: Iterable[Identity]) -> None:
        """*people* were given: with a credential, or with an account that the scan logs in with itself."""
        for person in people:
            self.names.add(person.name)
            self._subjects |= {person.subject.lower()} if person.subject is not None else set()
            for name, value in person.headers:
                self._held |= _parts(name, value.reveal())

    def refusal(self, request: Request) -> str:
        """Why *request* is not sent for the sake of somebody who was given, or an empty text."""
        path = request.target.partition("?")[0]
        if _changes_anybodys(request, path):
            return "it could give somebody, whom nothing names, another password"
        if request.method in ("HEAD", "OPTIONS") or not self.names:
            return ""
        if len(path) > LONGEST:
            return "its path is too long to be judged for the sake of those who were given to the scan"
        if request.method == "GET" and (deed := _done_to(path, self._subjects)):
            return f"its path says {deed!r}, and that is done to somebody who was given to the scan"
        if _ENDS.search(path) and self._shows_one(request):
            return "it could end the credential of somebody who was given to the scan"
        writes = request.method not in READ_METHODS
        if writes and _REPLACES.search(path) and request.identity in self.names and request.effect != "login":
            return "it could replace the key of somebody who was given to the scan"
        if writes and request.effect != "login" and (whose := self._gets_a_password(request)):
            return f"it could give {whose}, who was given to the scan, another password"
        if request.identity not in self.names:
            means = not PASSWORDS.isdisjoint(words_of(path)) and self._called.intersection(_names_in(request))
            return "somebody who was given to the scan may be called so by now" if means and writes else ""
        if writes and words_of(path) & _FORGETS and self._named_in(request):
            return "it could ask for another password of somebody who was given to the scan"
        if _OF_KEYS.search(path):
            return f"it could replace a key of {request.identity}, who was given to the scan"
        if _EVERYWHERE.search(path) or (writes and _SECOND_FACTOR.search(path)):
            return f"{request.identity} was given to the scan and could not log in as before"
        if writes and request.effect != "login" and (_NEW_PASSWORD.search(path) or _is_a_new_password(request)):
            return f"it could give {request.identity}, who was given to the scan, another password"
        if writes and _CALLED.search(path) and request.effect != "login":
            return f"{request.identity} was given to the scan and could be called otherwise afterwards"
        acts = writes or bool(deed_in(request.target))
        if acts and _GIVES_UP.search(path) and request.effect != "login":
            return f"it could end the account of {request.identity}, who was given to the scan"
        if writes and _MAKES_KEY.search(path) and request.effect != "login":
            return f"it could replace a key of {request.identity}, who was given to the scan"
        if writes and _OF_AN_ACCOUNT.search(path) and request.effect != "login" and _says_it_is_over(request):
            return f"it could end the account of {request.identity}, who was given to the scan"
        if acts and _ACCOUNT.search(path) and _OF_ONESELF.search(path):
            return f"it could end the account of {request.identity}, who was given to the scan"
        return ""

    def learn(self, request: Request) -> None:
        """Note what a request that was sent as one of them says somebody is called."""
        if request.identity in self.names and request.body and request.method not in READ_METHODS:
            self._called.update(_names_in(request))

    def _gets_a_password(self, request: Request) -> str:
        """The name by which the body calls somebody who was given, beside a password: a registration may overwrite who is there."""
        if not any(PASSWORD.search(name) and value for name, value in members_in(request)):
            return ""
        return min(self._named_in(request), default="")

    def _named_in(self, request: Request) -> set[str]:
        """By what the body calls those who were given."""
        said = members_in(request)
        return self._subjects & {
            value.lower() for name, value in said if isinstance(value, str) and names_somebody(name)
        }

    def _shows_one(self, request: Request) -> bool:
        """Whether a credential that was given stands anywhere in the request."""
        said = [value for _, value in request.headers]
        text = request.body.decode("utf-8", "replace") if request.body else ""
        return any(one in value for one in self._held for value in (*said, text, request.target))


def _done_to(path: str, names: Collection[str]) -> str:
    """The word by which a path says that something is done to one of those who are called so: ``/mute/alice``, as ``/mute/5``."""
    parts = [unquote(part) for part in path.split("/")]
    said = ["1" if part.lower() in names else part for part in parts]
    return deed_in("/".join(said)) if said != parts else ""


def _is_a_new_password(request: Request) -> bool:
    """Whether all that the body of a POST says is a password, once or twice, and nothing of whose it is: its own."""
    try:
        said: object = json.loads(request.body)
    except (ValueError, RecursionError):
        return False
    members = cast("dict[str, object]", said) if isinstance(said, dict) else dict[str, object]()
    return request.method == "POST" and bool(members) and all(PASSWORD.search(name) for name in members)


def _changes_anybodys(request: Request, path: str) -> bool:
    """Whether nobody sends a new password and says nothing of whose it is: what asks nobody takes an account of its own choice then."""
    if request.identity is not None or request.method in READ_METHODS or request.effect == "login":
        return False
    if len(path) > LONGEST or not _NEW_PASSWORD.search(path):
        return False
    if any(name.lower() == "cookie" or brings_credential(name.lower()) for name, _ in request.headers):
        return False  # a person of the scan's own
    said = list(members_in(request))
    return any(value for _, value in said) and all(PASSWORD.search(name) for name, _ in said)


def _says_it_is_over(request: Request) -> bool:
    """Whether the body of a change says that somebody is gone, closed or no longer active."""
    try:
        said: object = json.loads(request.body)
    except (ValueError, RecursionError):
        return False
    members = cast("dict[str, object]", said) if isinstance(said, dict) else dict[str, object]()
    return any(
        (_IS_OVER.fullmatch(name) and bool(value))
        or (_IS_ON.fullmatch(name) and not value)
        or (isinstance(value, str) and value.lower() in _OVER and name.lower() in ("status", "state"))
        for name, value in members.items()
    )


def _names_in(request: Request) -> Iterator[str]:
    """The texts by which the body says who is meant, in small letters."""
    try:
        body: object = json.loads(request.body)
    except (ValueError, RecursionError):
        return
    for name, value in (cast("dict[str, object]", body) if isinstance(body, dict) else {}).items():
        if isinstance(value, str) and value and names_somebody(name):
            yield value.lower()


def _parts(name: str, value: str) -> set[str]:
    """What of a header ends with the credential: a token, each cookie. Basic authentication has nothing that an answer could end."""
    if name.lower() == "cookie":
        found = {part.partition("=")[2].strip() for part in value.split(";")}
    else:
        scheme, _, rest = value.partition(" ")
        found = set[str]() if scheme.lower() == "basic" else {rest.strip() or value}
    return {one for one in found if len(one) >= TELLING}
