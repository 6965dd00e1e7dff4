"""Whether an application knows people: it checks or makes their passwords' hashes, lets them in, or keeps accounts with passwords. And
whether anything of it looks at what they show."""

import re
from collections.abc import Iterable
from typing import Final

from stopper.core.account_names import (
    CHECKS_PASSWORD,
    LOGS_IN,
    MAKES_HASH,
    REGISTERS,
    is_of_a_service,
    is_password_name,
)
from stopper.core.facts import SourceFacts
from stopper.core.flow.request_hooks import around
from stopper.core.guards.open_doors import lets_in_for_nothing
from stopper.core.naming import HUMP
from stopper.core.owner_names import OF_ANYBODY
from stopper.core.people.password_columns import is_table_class
from stopper.core.people.people_tables import is_of_people
from stopper.core.stores.sql_tables import tables_of
from stopper.core.values import Constant, walk

_SHOWN: Final = re.compile(r"(?i)auth|token|key|secret|signature|session|user|jwt|sid$|login|account|credential")
_OWN: Final = re.compile(
    r"(?i)(?:\w+_)?(?:balance|salary|ssn|iban|card_?number|diagnos[ei]s|amount|social_security_number)"
)
_CARRIERS: Final = ("flask.request.headers", "flask.request.cookies", "flask.session")


def knows_people(facts: SourceFacts) -> bool:
    """That somebody has an account here, so that it could ask who is calling."""
    return lets_in_for_nothing(facts) or _takes_passwords(facts) or _handles_hashes(facts) or _keeps_accounts(facts)


def _takes_passwords(facts: SourceFacts) -> bool:
    """That a log-in or a registration, by its path or by its view's name, is sent a password."""
    doors = {
        route.path
        for route in facts.routes
        if any(
            pattern.search(HUMP.sub("-", said))
            for said in (route.path, route.view.rpartition(".")[2])
            for pattern in (LOGS_IN, REGISTERS)
        )
    }
    return bool(doors) and any(
        _is_password(reading.key)
        and reading.source.startswith("flask.request")
        and any(ref.path in doors for ref in facts.routes_reaching(reading.function))
        for reading in facts.readings()
    )


def _handles_hashes(facts: SourceFacts) -> bool:
    """That a request gets to what makes or checks the hash of a password."""
    calls = [*facts.calls_matching(MAKES_HASH.pattern), *facts.calls_matching(CHECKS_PASSWORD.pattern)]
    return any(call.function and facts.routes_reaching(call.function) for call in calls)


def _keeps_accounts(facts: SourceFacts) -> bool:
    """A model or a table of people with a column for their password, or for what they alone may know and move: their money, their pay."""
    tables = [*((one.name.rpartition(".")[2], one.attributes) for one in facts.classes() if is_table_class(one))]
    return any(
        is_of_people(name) and any(_is_password(one) or _OWN.fullmatch(one) for one in columns)
        for name, columns in (*tables, *tables_of(facts).items())
    )


def _is_password(name: str) -> bool:
    """``password``, ``password_hash``, and no ``smtp_password``."""
    said = name.lower().removesuffix("_hash").removesuffix("_digest").removeprefix("hashed_")
    return is_password_name(said) and not is_of_a_service(said)


def looks_at_credentials(facts: SourceFacts, functions: Iterable[str]) -> bool:
    """That one of the functions reads a header, a cookie or what a session keeps that says who is calling."""
    names = set(functions)
    return any(
        reading.function in names and _SHOWN.search(reading.key) and not OF_ANYBODY.search(reading.key)
        for reading in facts.readings(*_CARRIERS)
    )


def is_asked_before(facts: SourceFacts) -> bool:
    """That something stands round the application (WSGI) and refuses: whom, was not followed."""
    return any(
        isinstance(part, Constant) and part.value in (401, 403)
        for name in around(facts)
        for call in facts.calls_in(name)
        for part in walk(call, 3)
    )
