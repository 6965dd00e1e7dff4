"""Who is calling, as modules say it that were not read: ``forum.users.is_admin()``."""

from stopper.core.values import Call, Value, walk
from stopper.scan.source import guard_names
from stopper.scan.source.project import Project


def asks_unseen(project: Project, value: Value) -> bool:
    """That a test asks such a function, which nothing but its name tells of."""
    return any(
        isinstance(part, Call)
        and part.receiver is None
        and part.callee not in project.functions
        and guard_names.UNSEEN_PERSON.fullmatch(part.callee) is not None
        for part in walk(value, 4)
    )
