"""Things that no collection lists and no route shows by their id: what Alice has of them stands in a list under her own id (``/users/2/reservations``
beside ``DELETE /reservations/{id}``)."""

from dataclasses import replace

from stopper.core.app import Route
from stopper.core.owner_names import PERSON
from stopper.core.probe import Identity, Steps, Target
from stopper.core.probing.accounts.own_values import own_numbers, parameter_of
from stopper.core.probing.things.id_elsewhere import forms_of_a_noun
from stopper.core.probing.things.kinds import Kind, at_number


def listed_of_hers(target: Target, kind: Kind, alice: Identity) -> Steps[Kind]:
    """*kind* with the list of those that are Alice's, where nothing else shows one; as it is where there is none either."""
    if kind.list_route is not None or kind.thing is not None or kind.create_route is None:
        return kind
    for route in [one for one in target.app.routes if _is_of_one_person(one, kind)][:1]:
        numbers = yield from own_numbers(target, alice, parameter_of(route))
        for number in dict.fromkeys(numbers.values()):
            hers = at_number(target, route, number).target.partition("?")[0]
            return replace(kind, list_route=replace(route, path=hers, parameters=()), private=True)
    return kind


def _is_of_one_person(route: Route, kind: Kind) -> bool:
    """``/users/{id}/reservations`` of ``/reservations``."""
    above, _, last = route.path.rstrip("/").rpartition("/")
    if "GET" not in route.methods or len(route.parameters) != 1 or not above.endswith("}"):
        return False
    same = bool(forms_of_a_noun(last) & forms_of_a_noun(kind.base.rpartition("/")[2]))
    return same and PERSON.search(above.partition("/{")[0].rpartition("/")[2]) is not None
