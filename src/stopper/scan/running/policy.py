"""Who may pass, as far as the running application itself says it."""

from typing import Any

from stopper.core.app import Access, Guard

POLICY_MARK = "__stopper_policy__"
"""The attribute under which a view carries its policy."""
CLOSED = "closed"
"""What stands for a policy where the guard lets nobody pass, since none was declared."""


def declared_access(flask: Any, view: Any, endpoint: str, method: str, guards: tuple[Guard, ...]) -> Access:
    """The access of one method: a declared policy is known; hooks alone leave it unknown."""
    policy = _policy(flask, view, endpoint, method)
    if policy is None and callable(getattr(getattr(flask, "extensions", {}).get("stopper"), "policy_for", None)):
        return Access(
            "guarded", (Guard(CLOSED, "policy", True, "running"), *guards), "nobody declared who may pass", "declared"
        )
    if policy is not None:
        text = str(policy)
        is_open = text == "public" or text.startswith("principal_optional(")
        mark = Guard(text, "policy", not is_open, "running")
        return Access("open" if is_open else "guarded", (mark, *guards), f"the policy {text}", "declared")
    return Access("unknown", guards, "what runs before it" if guards else "", "unknown")


def _policy(flask: Any, view: Any, endpoint: str, method: str) -> object | None:
    guard = getattr(flask, "extensions", {}).get("stopper")
    lookup = getattr(guard, "policy_for", None)
    if callable(lookup):
        found: object = lookup(endpoint, method)
        if found is not None:
            return found
    seen, current = 0, view
    while current is not None and seen < 20:
        if (mark := getattr(current, POLICY_MARK, None)) is not None:
            return mark  # type: ignore[no-any-return]
        current, seen = getattr(current, "__wrapped__", None), seen + 1
    return None
