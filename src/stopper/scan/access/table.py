"""The access table: every door of an application with who may pass it and how that is known."""

from collections.abc import Mapping

from stopper.core.app import Access, App, Basis, Guard, Route
from stopper.scan.access.join import stopping
from stopper.scan.access.row import ANYONE, ITSELF, NOT_KNOWN, Row


def table(app: App) -> tuple[Row, ...]:
    """The rows by path and method. HEAD goes with GET unless it differs; OPTIONS that Flask answers itself has no row."""
    doors: dict[tuple[str, str], dict[str, tuple[Route, Access]]] = {}
    for route in app.routes:  # a document may have split a route by its methods
        for method, access in route.access.items():
            doors.setdefault((route.path, route.endpoint), {}).setdefault(method, (route, access))
    rows = [
        _row(route, method, access)
        for methods in doors.values()
        for method, (route, access) in methods.items()
        if not _goes_with_get(method, methods)
    ]
    return tuple(sorted(rows, key=lambda row: (row.path, row.method, row.endpoint)))


def _goes_with_get(method: str, methods: Mapping[str, tuple[Route, Access]]) -> bool:
    if method != "HEAD" or "GET" not in methods:
        return False
    head, get = methods["HEAD"][1], methods["GET"][1]
    return head.state in (get.state, "unknown") or (get.basis == "proven" and head.basis != "traced")


def _row(route: Route, method: str, access: Access) -> Row:
    guards = stopping(access.guards) if access.state == "guarded" else ()
    basis: Basis = access.basis if access.state != "unknown" else "unknown"
    return Row(
        method, route.path, route.endpoint, access.state, _who(access, guards), basis, access.how, guards, route.span
    )


def _who(access: Access, guards: tuple[Guard, ...]) -> str:
    if access.state == "open":
        return ANYONE
    if access.state == "unknown":
        return NOT_KNOWN
    policies = [guard.name for guard in guards if guard.kind == "policy"]
    if policies:
        return policies[0]
    return (
        " & ".join(dict.fromkeys(ITSELF if guard.kind == "view-body" else guard.name for guard in guards)) or access.how
    )
