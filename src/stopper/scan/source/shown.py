"""What of a value a caller shows to prove who they are."""

from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.keys.api_key_names import READ_FROM, is_key_reading
from stopper.core.labels import Label, LabelKind
from stopper.core.naming import brings_credential
from stopper.core.owner_names import OF_ANYBODY
from stopper.core.values import Call, Constant, Item, Member, Name, Parameter, Value, parts, text_of, walk
from stopper.scan.source import guard_names

CREDENTIAL_LABELS: Final[tuple[LabelKind, ...]] = (
    "authorization-header",
    "cookie",
    "session",
    "claims",
    "unverified-claims",
)
SHOWN: Final = (
    "flask_login.current_user", "flask_security.current_user", "flask_jwt_extended.current_user", "flask.session", "flask.g.",
    "flask.request.authorization",
)  # fmt: skip
"""Names that stand for whoever is making the request."""
_PROXIES: Final = frozenset({"werkzeug.local.LocalProxy", "werkzeug.LocalProxy"})
_LOGGED_IN: Final = frozenset({"is_authenticated", "is_anonymous"})
_SENT_IN: Final = READ_FROM | {"flask.request.json"}
"""Where a caller puts what is looked up by name."""


class Shown:
    """Asks the values of one project for what callers show."""

    def __init__(self, facts: SourceFacts) -> None:
        self.facts = facts
        self._shown: dict[int, bool] = {}
        self._itself: dict[int, bool] = {}
        """Both by identity of the value; the facts keep every value alive."""

    def shows(self, value: Value | None) -> bool:
        """That a value is made of what a caller shows to prove who they are."""
        if value is None or isinstance(value, Constant):
            return False
        known = self._shown.get(id(value))
        if known is None and isinstance(value, Item) and _says_nobody(value):
            known = self._shown[id(value)] = False
        if known is None:
            known = _is_named(value) or bool(self._labelled(value)) or any(map(self.shows, parts(value)))
            self._shown[id(value)] = known
        return known

    def itself(self, value: Value | None) -> bool:
        """That it shows so wherever the function is called from. What a parameter brings is a credential at one call and an id of the
        address at the next."""
        if value is None or isinstance(value, Parameter) or not self.shows(value):
            return False
        known = self._itself.get(id(value))
        if known is None:
            known = _is_named(value) or self._not_only_passed(value) or any(map(self.itself, parts(value)))
            self._itself[id(value)] = known
        return known

    def _not_only_passed(self, value: Value) -> bool:
        """``jwt.decode(token)``: claims, whatever the token is; ``rows.get(user_id)`` is what the id is."""
        found = self._labelled(value)
        passed = {label for one in walk(value, 6) if isinstance(one, Parameter) for label in self._labelled(one)}
        return bool(found - passed)

    def _labelled(self, value: Value) -> frozenset[Label]:
        return frozenset(
            label
            for label in self.facts.labels(value)
            if label.kind in CREDENTIAL_LABELS
            or (label.kind in ("api-key", "token") and not label.by_name)
            or (label.kind == "request-header" and brings_credential(label.source))
        )


def _is_named(value: Value) -> bool:
    if isinstance(value, Name):
        return value.dotted.startswith(SHOWN) or guard_names.KEPT_ON_REQUEST.match(value.dotted) is not None
    if isinstance(value, Member):  # of a ``current_user`` of the project's own: ``LocalProxy(lambda: _get_user())``
        return value.attribute in _LOGGED_IN and isinstance(value.owner, Call) and value.owner.callee in _PROXIES
    return (isinstance(value, Call) and guard_names.ASKS_PERSON.match(value.callee) is not None) or is_key_reading(
        value, _SENT_IN
    )


def _says_nobody(value: Item) -> bool:
    """``session.get("csrf_token")``: what every visitor's session has, whoever that is."""
    return (
        isinstance(value.owner, Name)
        and value.owner.dotted == "flask.session"
        and OF_ANYBODY.search(text_of(value.key) or "") is not None
    )
