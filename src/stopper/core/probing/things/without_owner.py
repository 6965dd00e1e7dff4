"""Things that say nothing of an owner and that everybody is shown, or whoever registers: each of these deletes what another has made."""

from dataclasses import replace
from typing import Final

from stopper.core.exchange import Exchange
from stopper.core.finding import Verdict
from stopper.core.probe import Steps, Target, send
from stopper.core.probing.accounts.registration import newcomer
from stopper.core.probing.baseline import same
from stopper.core.probing.things.changes import owners
from stopper.core.probing.things.kinds import Kind, Thing, at_number

_SAID: Final = " lets whoever registers change what another user stored"


def open_to_strangers(target: Target, kind: Kind, thing: Thing, seen: Exchange) -> Steps[bool]:
    """Whether *thing*, which names no owner where it is *seen*, is read by somebody whom the scan has just registered: those who may change
    it are no team then that keeps its things together."""
    if kind.thing is None or owners(kind, thing.number, seen):
        return False
    stranger = yield from newcomer(target, "first")
    if stranger is None:
        return False
    read = yield from send(stranger.person.on(at_number(target, kind.thing, thing.number)))
    if not thing.texts:  # it is numbers alone
        return same(read.response, seen.response)
    return read.response.succeeded and any(text in read.response.text for text in thing.texts)


def told_of_nobodys(found: Verdict) -> Verdict:
    """*found* as it weighs where nothing says whose a thing is: it may be meant so."""
    return replace(found, severity="medium", message=f"{found.routes[0]}{_SAID}")


def proven(found: list[Verdict]) -> list[Verdict]:
    """*found* without such changes where nobody but its maker could also delete the thing: what all may change and nobody may delete is a wiki."""
    deletes = any(one.message.endswith(_SAID) and one.routes[0].method == "DELETE" for one in found)
    return [one for one in found if deletes or not one.message.endswith(_SAID)]
