"""Somebody by a log-in whose statement the name changes: where nobody registers, that is how a stranger comes in, and what lies behind is in reach."""

import secrets
from typing import Final

from stopper.core.login_names import LOGIN
from stopper.core.probe import Identity
from stopper.core.probing.accounts.login import lets_in
from stopper.core.secret import Secret
from stopper.scan.people.doors import doors
from stopper.scan.people.logging_in import log_in
from stopper.scan.people.scene import Scene
from stopper.scan.people.usual_account import NAME, ROUTES, sent, way_in, ways

STATEMENTS: Final = ("' OR 1=1 -- ", '" OR 1=1 -- ')
"""Names that end the text in which they stand and are true of every row."""
CAME: Final = (
    f"nobody was given and the API took no test person: the scan went on as {NAME!r}, by a name that changes the statement of the log-in "
    "(sql-injection)"
)


def statement_account(scene: Scene) -> Identity | None:
    """Who a log-in lets in by a statement for a name, and not by a name that nobody has; None where none does. Mode active only. Whoever it
    is has not asked for it: nothing is done that a person who was given would not want."""
    if scene.courier.mode != "active":
        return None
    for route in list(doors(scene.app, LOGIN))[:ROUTES]:
        known = way_in(scene, route)
        for name in STATEMENTS if known is not None else ():
            password = secrets.token_hex(8)
            exchange = sent(scene, ways(scene, route, name, password)[known or 0])
            if exchange is None or not lets_in(exchange.response):
                continue
            person = Identity(NAME, (), subject=name, password=Secret(password), guessed=True, any_password=True)
            if (ready := log_in(scene, person)) is not None:
                scene.courier.given.take_up([ready])
                return ready
    return None
