"""Settings that the source leaves open and the running application answers."""

from stopper.core.app import App
from stopper.core.deployment.setting_facts import MISSING, in_force, plain, written
from stopper.core.facts import source_of
from stopper.core.place import Span


def open_place(app: App, key: str) -> Span | None:
    """Where the source writes the setting without showing a value; None where it shows one or writes none."""
    facts = source_of(app)
    writes = list(written(app, key))
    if any(plain(facts, write.value) for write in writes):
        return None
    return next((write.span for write in writes), None)


def answered(app: App, key: str) -> object:
    """The value in force where the source shows none that it gives the setting; else MISSING."""
    facts = source_of(app)
    if any(plain(facts, write.value) for write in written(app, key)):
        return MISSING
    return in_force(app, key)
