"""Views that are for one kind of staff, who work on what is everybody's: by what a decorator is told, or by what a guard of the project asks."""

import re
from typing import Final

from stopper.core.account_names import said_name
from stopper.core.app import Access
from stopper.core.fact import Function
from stopper.core.flow.nested_functions import inside
from stopper.core.flow.view_functions import FunctionIndex
from stopper.core.guards.asking_views import is_who
from stopper.core.owner_names import ROLE, is_for_customers
from stopper.core.values import Item, Member, Name, Truth, Value, text_of, walk

_ROLE_GUARD: Final = re.compile(r"(?i)roles?(?:_|$)|permissions?(?:_|$)|requires?_any_of")
_OF_ANYBODY: Final = re.compile(
    r"(?i)user|name|mail|(?:^|_)[us]?id$|log|sign|auth|token|account|member|sess|csrf|otp|2fa|mfa|code|step|verified|confirmed|fresh|lang|customer|client|person|expire|time|seen|active"
)
"""Members of a session that everybody has who is logged in."""
_GUARD: Final = re.compile(r"(?i)auth|require|needs?(?:_|$)|access|protect|allow|restrict|(?:^|_)can(?:_|$)")


def is_flag_of_staff(part: Value) -> bool:
    """``session.get("editor")``: a mark that the log-in gave to some."""
    return (
        isinstance(part, Item)
        and isinstance(part.owner, Name)
        and part.owner.dotted == "flask.session"
        and (key := text_of(part.key)) is not None
        and _OF_ANYBODY.search(key) is None
    )


def asks_a_role(view: Function) -> bool:
    """``@role_required("editor")``, ``@auth_required("CONFIG_UPDATE")``: one kind of staff, who work on what is everybody's. Of several roles one may be
    that of customers."""
    for one in view.decorators:
        name = one.name.rpartition(".")[2]
        given = one.call.args if one.call is not None else ()
        said = [text for value in given for part in walk(value, 3) if (text := text_of(part))]
        if (
            len(said) <= 1
            and not is_for_customers(one)
            and (_ROLE_GUARD.search(name) or (said and _GUARD.search(name)))
        ):
            return True
    return False


def is_for_a_role(index: FunctionIndex, access: Access) -> bool:
    """A guard of the project lets one kind of staff pass: ``if "clerk" not in g.claims.get("roles", []): abort(403)``."""
    guards = [one.name for one in access.guards if one.name in index.by_name]
    names = index.calling([name for one in guards for name in (one, *inside(index.facts, one))], 1)
    return any(
        text_of(said) and any(ROLE.search(said_name(part)) for part in walk(held, 3))
        for name in names
        for one in index.comparisons.get(name, ())
        if one.operator in ("in", "not in", "==", "!=")
        for said, held in ((one.left, one.right), (one.right, one.left))
    )


_ADMIN: Final = re.compile(r"(?i)(?:is_?)?(?:admin|administrator|superuser|super_?admin|sysadmin)")


def is_for_admins(index: FunctionIndex, access: Access) -> bool:
    """A guard of the project turns away whoever is no administrator: ``if not user or not user.admin: abort(403)``."""
    guards = [one.name for one in access.guards if one.name in index.by_name]
    names = index.calling([name for one in guards for name in (one, *inside(index.facts, one))], 1)
    return any(
        (asked.refuses or asked.stops)
        and any(_ADMIN.fullmatch(said_name(part)) for part in walk(asked.value, 4) if isinstance(part, (Member, Name)))
        for name in names
        for asked in index.conditions.get(name, ())
    )


def is_mark_of_admins(value: Value) -> bool:
    """``not User.query.get(current_user.id).is_admin``: the column of the row that whoever calls has."""
    asked = value.parts[0] if isinstance(value, Truth) and len(value.parts) == 1 else value
    return (
        isinstance(asked, Member)
        and _ADMIN.fullmatch(asked.attribute) is not None
        and any(map(is_who, walk(asked.owner, 5)))
    )
