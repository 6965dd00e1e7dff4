"""The access table: every door of an application with who may pass it and how that is known."""

from stopper.core.app import Access, App, Basis, Guard, Route
from stopper.scan.access.join import stopping
from stopper.scan.access.row import ANYONE, ITSELF, NOT_KNOWN, Row


def table(app: App) -> tuple[Row, ...]:
    """The rows by path and method. HEAD goes with GET unless it differs; OPTIONS that Flask answers itself has no row."""
    rows: dict[tuple[str, str, str], Row] = {}
    for route in app.routes:
        for method, access in route.access.items():
            if not _goes_with_get(route, method):
                row = _row(route, method, access)
                rows.setdefault((row.path, row.method, row.endpoint), row)
    return tuple(sorted(rows.values(), key=lambda row: (row.path, row.method, row.endpoint)))


def _goes_with_get(route: Route, method: str) -> bool:
    if method != "HEAD" or "GET" not in route.access:
        return False
    head, get = route.access["HEAD"], route.access["GET"]
    return head.state == get.state or head.state == "unknown"


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
