"""Keeps the accounts of a scan's people as they are: a change as one of them says no new password, and no name beside one."""

import json
import re
from collections.abc import Collection
from dataclasses import replace
from typing import Final, cast

from stopper.core.exchange import Request
from stopper.core.login_names import PASSWORD, SUBJECT
from stopper.core.naming import as_parameter
from stopper.core.owner_names import OWN_ACCOUNT
from stopper.core.probing.accounts.account_body import DEEP, PHONE

_OWN: Final = re.compile(
    r"(?i)(^|/)(me|self|account|profile|settings|preferences|credentials|security)(/[^/]{1,80})?/?$"
)
"""Parts of the own account beside those of ``OWN_ACCOUNT``: what is kept from harm may be more than what is tried."""


_BELOW_A_PERSON: Final = re.compile(
    r"(?i)(^|/)(me|users?|accounts?|people|persons?|members?|customers?|profiles?|employees?)/[^/]{1,80}/[^/]{1,80}/?$"
)
"""What is done to somebody by the own id: ``/users/5/email``."""


def spared(request: Request, people: Collection[str], called: str | None = None) -> Request:
    """*request* without password and name of the account where one of *people* would give itself new ones, and with the name *called* by which that
    person logs in where the own account would get another one.

    Whoever cannot log in any longer is lost to all other probes, and somebody who was given to the scan wants the account back.
    """
    if request.identity not in people or not _changes_an_account(request):
        return request
    try:
        body: object = json.loads(request.body)
    except ValueError:
        return request
    members = cast("dict[str, object]", body) if isinstance(body, dict) else {}
    kept = _kept(members, DEEP)
    if called and is_of_oneself(request.target.partition("?")[0]):
        kept = {
            name: called if isinstance(value, str) and _is_called_by(name, called) else value
            for name, value in kept.items()
        }
    return replace(request, body=json.dumps(kept).encode()) if kept != members else request


def _is_called_by(name: str, called: str) -> bool:
    """Whether a member of an account is what somebody logs in by who does it by *called*."""
    said = as_parameter(name)
    if "@" in called:
        return "mail" in said
    return (
        PHONE.search(name) is not None
        if called.startswith("+")
        else re.fullmatch(r"user(_?name)?|login(_name)?|handle", said) is not None
    )


def _kept(members: dict[str, object], depth: int) -> dict[str, object]:
    """*members*, of which no object holds a password or a name beside one."""
    account = any(PASSWORD.search(name) and value for name, value in members.items())
    return {
        name: _kept(cast("dict[str, object]", value), depth - 1) if isinstance(value, dict) and depth > 1 else value
        for name, value in members.items()
        if not (account and (PASSWORD.search(name) or SUBJECT.search(name)))
    }


def _changes_an_account(request: Request) -> bool:
    path = request.target.partition("?")[0]
    return request.method in ("PUT", "PATCH") or (
        request.method == "POST" and (is_of_oneself(path) or _BELOW_A_PERSON.search(path) is not None)
    )


def is_of_oneself(path: str) -> bool:
    """Whether also a POST to that path changes who asks."""
    return _OWN.search(path) is not None or OWN_ACCOUNT.search(path) is not None
