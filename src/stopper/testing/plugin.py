"""What pytest loads in every project where Stopper is installed. It imports nothing until a test asks for a fixture."""

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from stopper.testing.access_matrix import MakesMatrix
    from stopper.testing.leak_guard import LeakGuard
    from stopper.testing.token_factory import TokenFactory

_guard_key: "pytest.StashKey[LeakGuard]" = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the leak guard."""
    parser.getgroup("stopper").addoption(
        "--stopper-leak-guard", action="store_true", help="fail every test in which a secret leaks"
    )
    parser.addini("stopper_leak_guard", "fail every test in which a secret leaks", type="bool", default=False)
    parser.addini(
        "stopper_leak_allow", "leaks that are meant: PATTERN # reason, one a line", type="linelist", default=[]
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tell the mark."""
    config.addinivalue_line("markers", "leak_allowed(pattern, reason): a leak that this test means to happen")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With the option every test gets the guard, before any other fixture."""
    if not (config.getoption("--stopper-leak-guard") or config.getini("stopper_leak_guard")):
        return
    for item in items:
        names: list[str] | None = getattr(item, "fixturenames", None)
        if names is not None and "leak_guard" not in names:
            names.insert(0, "leak_guard")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """A test in which a secret leaked fails; one that failed by itself tells its leaks besides."""
    guard = item.stash.get(_guard_key, None)
    try:
        result = yield
    except BaseException:
        if guard is not None and guard.tell():
            item.add_report_section("call", "leaks", guard.report())
        raise
    if guard is not None and guard.tell():
        pytest.fail(guard.report(), pytrace=False)
    return result


@pytest.fixture
def leak_guard(request: pytest.FixtureRequest) -> Generator["LeakGuard"]:
    """Plants secrets and fails the test when one of them, or one of the application's, reaches a place where it does not belong."""
    from stopper.testing.leak_guard import LeakGuard, allowed_by

    guard = LeakGuard(
        allowed_by(request.config.getini("stopper_leak_allow"), request.node.iter_markers("leak_allowed"))
    )
    request.node.stash[_guard_key] = guard
    guard.start()
    try:
        yield guard
    finally:
        guard.stop()
        del request.node.stash[_guard_key]
    if guard.tell():  # while other fixtures were taken down
        pytest.fail(guard.report(), pytrace=False)


@pytest.fixture
def access_matrix() -> "MakesMatrix":
    """Asks every route as every identity: ``access_matrix(app, {"nobody": None, "alice": token})``."""
    from stopper.testing.access_matrix import make_access_matrix

    return make_access_matrix


@pytest.fixture
def token_factory() -> "TokenFactory":
    """Makes every kind of bad token out of a good one."""
    from stopper.testing.token_factory import TokenFactory

    return TokenFactory()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for ``bad_token`` runs once for each kind of bad token."""
    if "bad_token" in metafunc.fixturenames and _is_ours(metafunc):
        from stopper.testing.token_factory import BAD_TOKENS

        metafunc.parametrize("bad_token", BAD_TOKENS, indirect=True)


def _is_ours(metafunc: pytest.Metafunc) -> bool:
    found = metafunc._arg2fixturedefs.get("bad_token", ())  # pyright: ignore[reportPrivateUsage]
    return bool(found) and found[-1].func.__module__ == __name__


@pytest.fixture
def signing_key() -> object:
    """Override it with the key that signs good tokens, and ``bad_token`` also makes those that only the signer can make."""
    return None


@pytest.fixture
def bad_token(request: pytest.FixtureRequest, good_token: str, signing_key: object) -> str:
    """One bad token, made from the project's own fixture ``good_token``."""
    from stopper.testing.token_factory import TokenFactory

    made = TokenFactory(signing_key).bad(good_token, request.param)
    if made is None:
        pytest.skip(f"{request.param} needs the signing key: override the fixture signing_key")
    return made.token
