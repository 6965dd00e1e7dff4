"""Changes that a server refuses, also where its status says yes."""

from typing import Final, cast

from stopper.core.exchange import Response

_FAILED: Final = ("error", "errors", "fail", "failed", "failure", "false", "ko")


def turned_away(response: Response) -> bool:
    """Whether a change was refused, by its status or in the words of an answer that says 200."""
    if not response.succeeded:
        return response.status not in (302, 303)
    said = response.json()
    members = cast("dict[str, object]", said) if isinstance(said, dict) else {}
    flags = [members.get(name) for name in ("success", "ok", "status", "result")]
    return any(flag is False or (isinstance(flag, str) and flag.lower() in _FAILED) for flag in flags) or (
        bool(members.get("error") or members.get("errors")) and len(members) <= 2
    )
