"""The doctor's checks of routes: whether each says who may pass, and asks whose a thing is."""

from stopper.auth.policy import Policy
from stopper.extension.doctor.words import Deployment, Outcome, is_stoppers_own, met, unmet, yours


def every_door_says(deployment: Deployment) -> Outcome:
    """Each route says who may pass."""
    undeclared = [(path, door) for path, door in deployment.doors if door.state == "undeclared"]
    if undeclared:
        path, door = undeclared[0]
        return unmet(
            f"{len(undeclared)} without a policy, first {door.method} {path}",
            "put a policy above the view, such as @bearer or @public",
        )
    return met(f"{len(deployment.doors)} doors, each with a policy or closed")


def objects_have_owners(deployment: Deployment) -> Outcome:
    """Doors whose path names one thing ask whose it is."""
    bare = [
        f"{door.method} {path}"
        for path, door in deployment.doors
        if "<" in path and door.policy is not None and not is_stoppers_own(door) and _asks_no_owner(door.policy)
    ]
    if bare:
        return yours(
            f"{len(bare)} doors name one thing and ask for no owner or tenant, first {bare[0]}",
            "add & owner(…), & where(…) or & tenant(…), or see that the view looks",
        )
    return met("every door that names one thing asks for owner, where or tenant, or is public or closed")


def _asks_no_owner(policy: Policy) -> bool:
    return not policy.is_public and not any(word in policy.text for word in ("owner(", "where(", "tenant("))


def changes_need_more_than_get(deployment: Deployment) -> Outcome:
    """Nothing that everybody may reach changes something without anybody's credential."""
    public = [
        f"{door.method} {path}"
        for path, door in deployment.doors
        if door.policy is not None
        and door.policy.is_public
        and door.method in ("POST", "PUT", "PATCH", "DELETE")
        and not is_stoppers_own(door)
    ]
    if public:
        return yours(
            f"{len(public)} public doors change something, first {public[0]}",
            "see that a stranger may, or give it a policy",
        )
    return met("no public door of this application takes POST, PUT, PATCH or DELETE")
