"""Words for whose a thing is, and for what a role is, in columns, claims and members."""

import re
from typing import Final

from stopper.core.fact import Decorator
from stopper.core.values import text_of, walk

OWNER: Final = re.compile(
    r"(?i)^_?(user|owner|author|account|customer|tenant|org|organi[sz]ation|team|creator|created_by|patient|member|company|workspace|group|client|uploader|sender|recipient|employee|seller|buyer|"
    r"merchant|student|(?:travell?er|guest|driver|rider|passenger|resident|subscriber|donor|volunteer|borrower|holder|requester|submitter|reporter|renter|pupil|applicant|participant)(?!s))s?"
    r"(_?(id|ids|uuid|email|name|username|pk|ref))?$|^uid$|^sub$"
)
"""A column or member that says whose it is."""
OF_ANYBODY: Final = re.compile(
    r"(?i)csrf|xsrf|nonce|(?:^|_)state$|^_flashes$|locale|(?:^|_)lang$|language$|theme|^visits$"
)
"""Keys of a session that say nothing of who it is."""
PRIVATE: Final = re.compile(
    r"(?i)(^|[/_-])(orders?|invoices?|notes?|documents?|docs?|files?|messages?|payments?|accounts?|profiles?|addresses|cards?|transactions?|statements?|tickets?|bookings?|reservations?|appointments?|records?|"
    r"todos?|tasks?|projects?|subscriptions?|contracts?|reports?|receipts?|carts?|wallets?|transfers?|users?|prescriptions?|claims?|letters?|drafts?|attachments?|uploads?|photos?|"
    r"loans?|leases?|memberships?|shipments?|parcels?|deliver(?:y|ies)|medications?|diagnos[ei]s|lab-results|visits?|grades?|payslips?|salar(?:y|ies)|expenses?|budgets?|timesheets?|"
    r"wishlists?|trips?|rentals?|purchases?|refunds?|charges|payouts?|baskets?|workouts?|folders?|chats?|conversations?|patients?|contacts?|diar(?:y|ies)|journals?|vaults?|secrets?)([/_-]|$)"
)
ROLE: Final = re.compile(
    r"(?i)^(?:(?:user|acting|actor|caller|requester|my|current|sender)_?)?(role|roles|is_?admin|admin|is_?staff|is_?superuser|superuser|is_?moderator|permissions?|privileges?|access_?level|user_?type)$|^x-(user-)?(admin|groups?|access-?level|privileges?)$|^x-(?:[a-z]+-){0,2}(roles?|is-admin|permissions?|user-type)$"
)
ROLES_SAID: Final = (
    *(f"{before}{word}" for before in ("", "user_", "user", "acting_", "actor_", "caller_", "requester_", "my_", "current_", "sender_")
      for word in ("role", "roles", "is_admin", "isadmin", "admin", "is_staff", "isstaff", "is_superuser", "issuperuser", "superuser", "is_moderator",
                   "ismoderator", "permission", "permissions", "privilege", "privileges", "access_level", "accesslevel", "user_type", "usertype")),
    *(f"x-{before}{word}" for before in ("", "user-")
      for word in ("role", "roles", "admin", "is-admin", "permission", "permissions", "group", "groups", "access-level", "accesslevel",
                   "privilege", "privileges", "user-type", "usertype")),
)  # fmt: skip
"""The same, word for word."""
WHOSE: Final = re.compile(
    r"(?i)^(owner|tenant|org|organi[sz]ation|account|user|customer)_?(id|uuid)?$|^x-(user|tenant|org|account|owner|customer)(-id)?$"
)
WHO: Final = re.compile(
    r"(?i)(^|\.)(current_user|current_identity|get_jwt_identity|get_jwt|get_current_user|current_principal|auth\.current_user|g\.\w*(user|identity|principal|account|member|tenant|email|claims|sub)\w*|"
    r"flask\.session)(\.|$)|(^|\.)_?(authed|authenticated|logged_in|signed_in|calling)_(user|account|member|person)\w*$|(^|\.)_?(load|get|require|fetch)_(current_|logged_in_|auth\w*_)?user\w*$"
)
"""Dotted names that stand for who is calling."""
ADMIN_GUARD: Final = re.compile(
    r"(?i)admin|staff|superuser|moderator|role|permission|capabilit|scope|rbac|owner|require_group|policy|privilege|can_|authori[sz]e|tenant|object_access"
)
PERSON: Final = re.compile(
    r"(?i)user|account|member|person|people|profile|customer|owner|employee|patient|author|client|student|teacher|pupil|"
    r"guest|driver|rider|passenger|resident|subscriber|donor|volunteer|applicant|candidate|tutor|instructor|doctor|attendee|participant|player|borrower|citizen|travell?er"
)
"""A parameter, or the part of a path before it, that stands for somebody."""
WHOSE_ID: Final = re.compile(
    r"(user|owner|author|account|customer|client|member|creator|created_by|person|profile|patient|employee|student)(_?(id|uuid|number|no|name))?|uid|"
    r"(sender|from|from_user)_(id|uuid)|from_user"
)
"""What says whose a thing is, as parameters are spelled."""
OWN_ACCOUNT: Final = re.compile(
    r"(?i)(^|/)(me|self|account|profile|settings|users?/(me|profile|update|edit)|"
    r"(update|edit|change|save|set)[_-](profile|account|settings|me|user|details))(/(edit|update|change))?/?$"
)
"""Paths at which a person changes the own account."""
ADMIN_PATH: Final = re.compile(
    r"(?i)(^|[/_.-])(admin|administration|administrator|backoffice|superuser|staff|moderation|internal|(?<![_.-])management)([/_.-]|$)"
)
"""Paths of functions for administrators."""
_DESCRIBES: Final = frozenset({
    "doc", "docs", "response", "alt_response", "responses", "arguments", "expect", "param", "params", "swag_from", "swagger", "route", "input", "output", "body",
    "marshal_with", "marshal_list_with", "description", "summary", "tag", "tags", "paginate", "hide", "deprecated", "operation", "documented", "wraps",
})  # fmt: skip
"""Decorators of the libraries that describe a route in a document, or say what it takes and gives."""


def only_describes(decorator: str) -> bool:
    """That what a decorator is told stands in a document and is asked of nobody: ``@blp.doc(description="Admins only")``."""
    return decorator.rpartition(".")[2] in _DESCRIBES


_CUSTOMER: Final = re.compile(
    r"(?i)(?:roles?[_.:-])?(?:(?:normal|regular|standard|registered|end)[_ -]?)?(?:user|customer|client|consumer|tourist|travell?er|patient|student|pupil|member|guest|buyer|"
    r"shopper|subscriber|citizen|passenger|rider|resident|reader|player|applicant|candidate|donor|visitor|borrower)s?"
)


def is_for_customers(one: Decorator) -> bool:
    """``@role_required("customer")``: those who are told apart by it have things of their own each, and none is staff."""
    given = (*one.call.args, *(value for _, value in one.call.keywords)) if one.call is not None else ()
    said = [text for value in given for part in walk(value, 3) if (text := text_of(part)) is not None]
    return bool(said) and all(map(_CUSTOMER.fullmatch, said))


def is_for_a_role(one: Decorator) -> bool:
    """``@auth_required(auth, roles=["mechanic"])``: roles, not all of them of those who have things of their own each."""
    said = [value for word, value in one.call.keywords if word in ("role", "roles")] if one.call is not None else []
    texts = [text for value in said for part in walk(value, 2) if (text := text_of(part)) is not None]
    return not all(map(_CUSTOMER.fullmatch, texts))
