"""What a profile holds that its owner's list alone shows: ``GET /users/1`` with the ``notes`` that ``GET /notes`` keeps from everybody else."""

from typing import cast

from stopper.core.app import Route
from stopper.core.exchange import Exchange
from stopper.core.probe import Identity, Steps, Target, send
from stopper.core.probing.things.id_elsewhere import forms_of_a_noun
from stopper.core.probing.things.objects import entries, ids, inner_object


def holds_her_things(target: Target, own: Exchange, alice: Identity, bob: Identity) -> Steps[bool]:
    """Whether what she reads of herself names things by their ids that stand in her list of such things, and not in his."""
    for name, held in inner_object(own.response.json()).items():
        numbers = _numbers(cast("list[object]", held)) if isinstance(held, list) else set[str]()
        listing = _listing(target, name) if numbers else None
        if listing is None:
            continue
        request = target.request_for(listing, "GET")
        hers, his = (yield from send(alice.on(request))), (yield from send(bob.on(request)))
        shown = _numbers(cast("list[object]", entries(his.response.json())))
        if (
            his.response.succeeded
            and numbers & _numbers(cast("list[object]", entries(hers.response.json())))
            and not numbers & shown
        ):
            return True
    return False


def _listing(target: Target, name: str) -> Route | None:
    nouns = forms_of_a_noun(name)
    plain = (one for one in target.app.routes if "GET" in one.methods and not one.parameters)
    return next((one for one in plain if forms_of_a_noun(one.path.rstrip("/").rpartition("/")[2]) & nouns), None)


def _numbers(things: list[object]) -> set[str]:
    return {number for one in things for number in ids(one, "id")}
