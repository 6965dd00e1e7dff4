"""Whose password is guessed, and for whom a reset is asked: it may lock an account, or end a code that somebody waits for."""

from stopper.core.probe import Identity, Steps, Target
from stopper.core.probing.accounts.login import REGISTERED
from stopper.core.probing.accounts.registration import registered
from stopper.core.probing.baseline import attempt
from stopper.core.probing.shared import found_once


def known_person(target: Target) -> Identity | None:
    """The last person whose password is known: the first one is who other probes log in as."""
    known = [one for one in target.identities if one.subject and one.password and not one.minted]
    return next((one for one in reversed(known) if not one.any_password), None)


def lockable_person(target: Target) -> Identity | None:
    """The person that is known, where its account may be locked by wrong passwords: a scan that registers nobody, as by default, locks out nobody
    who was there before."""
    return known_person(target) if target.mode == "active" else None


def own_person(target: Target, purpose: str) -> Steps[Identity | None]:
    """Somebody whom the scan registers for this *purpose* alone, in mode active, so that nobody else is harmed; None where nobody can be
    registered, or the person that is known is the scan's own already."""
    person = known_person(target)
    if target.mode != "active" or person is None or target.notes.get(REGISTERED + person.name) is not None:
        return None
    return (yield from attempt(found_once(target, f"somebody {purpose}", lambda: registered(target))))
