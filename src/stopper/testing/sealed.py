"""That no route is open which nobody meant to be open."""

from collections.abc import Collection, Mapping

from flask import Flask

from stopper.core.errors import StopperError, UndeclaredRouteError
from stopper.extension.guard import guard_of
from stopper.extension.table import as_text, rows_of
from stopper.testing.access_matrix import make_access_matrix


def assert_sealed(app: Flask, public: Collection[str] = (), *, arguments: Mapping[str, object] | None = None) -> None:
    """Only the routes in *public* (``"GET /health"``) answer somebody without a credential.

    With the guard its own judgement and table decide, and nothing is sent. Without it every other route is asked as nobody and must
    refuse (401, 403, a log-in page) or know nothing (404); *arguments* fill the variable parts of URLs. Raises AssertionError with
    the routes.
    """
    if "stopper" in app.extensions:
        _assert_by_guard(app, public)
    else:
        make_access_matrix(app, {"nobody": None}, arguments=arguments).assert_closed_to("nobody", but=public)


def _assert_by_guard(app: Flask, public: Collection[str]) -> None:
    guard = guard_of(app)
    try:
        guard.seal()
    except UndeclaredRouteError as found:
        raise AssertionError(f"{found}\n{found.table}") from None
    except StopperError as found:
        raise AssertionError(str(found)) from None
    rows = [row for row in rows_of(guard.doors) if row.method not in ("HEAD", "OPTIONS")]
    known = {f"{row.method} {row.path}" for row in rows}
    unknown = sorted(set(public) - known)
    assert not unknown, f"there is no route {', '.join(unknown)}; the routes are {', '.join(sorted(known))}"
    open_rows = [row for row in rows if _is_open(row.policy) and f"{row.method} {row.path}" not in public]
    assert not open_rows, f"these routes are public and not in the list:\n{as_text(open_rows)}"


def _is_open(policy: str | None) -> bool:
    """Whether somebody who shows nothing passes."""
    return policy == "public" or (policy or "").startswith("principal_optional(")
