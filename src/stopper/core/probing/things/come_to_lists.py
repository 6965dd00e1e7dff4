"""What has come to somebody's list since it was read last."""

from stopper.core.exchange import Exchange
from stopper.core.probing.things.kinds import entry_of, entry_with
from stopper.core.probing.things.objects import entries, ids


def has_come(before: Exchange, after: Exchange, parameter: str, number: str) -> bool:
    """Whether her list lacked the thing before and holds it now."""
    lacked = before.response.succeeded and entry_of(before, parameter, number) is None
    return lacked and entry_of(after, parameter, number) is not None


def newest(before: Exchange, after: Exchange, parameter: str, marks: dict[str, str]) -> str | None:
    """The id of the entry with one of the texts, or of the only one that was not there before."""
    if (entry := entry_with(after, iter(marks.values()))) is not None:
        return next(ids(entry, parameter), None)
    known = {number for entry in entries(before.response.json()) for number in ids(entry, parameter)}
    new = [number for entry in entries(after.response.json()) for number in ids(entry, parameter)]
    new = [number for number in dict.fromkeys(new) if number not in known]
    return new[0] if len(new) == 1 else None
