"""What every test may lean on: named capabilities, and no skip that nobody counted."""

import gc
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.longer import LONG

from stopper.core import probe
from stopper.core.secret import Secret
from stopper.scan.audit import parent as audit

CAPABILITY = "capability missing: "
settings.register_profile("anywhere", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("anywhere")  # how fast a machine is that other work uses is no property of the code
_chromium = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


def pytest_configure(config: pytest.Config) -> None:
    """A shell that runs the tests in the background ignores Ctrl-C, and so would every program that a test starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Eighteen thousand tests that stay are no garbage: Python does not search them for any, neither meanwhile nor later."""
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a capability that is not here, under that capability's name. What is longer in a soak belongs to it."""
    present = {"browser": _chromium is not None, "root": os.geteuid() == 0}
    for item in items:
        if LONG and item.get_closest_marker("longer"):
            item.add_marker(pytest.mark.soak)
        for capability, here in present.items():
            if item.get_closest_marker(capability) and not here:
                item.add_marker(pytest.mark.skip(reason=CAPABILITY + capability))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests each missing capability cost."""
    for capability, count in sorted(_skips(terminalreporter).items()):
        terminalreporter.write_line(f"not run for want of {capability}: {count}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skip that is not a named capability, or a missing browser, is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("CI") or hasattr(session.config, "workerinput"):
        return
    missed = _skips(reporter)
    allowed = {"root", "softhsm2"} if os.geteuid() != 0 else set()
    unexpected = {name: count for name, count in missed.items() if name not in allowed}
    if unexpected and session.exitstatus == 0:
        reporter.write_line(f"CI refuses these skips: {unexpected}", red=True)
        session.exitstatus = 1


def _skips(reporter: pytest.TerminalReporter) -> Counter[str]:
    found: Counter[str] = Counter()
    for report in reporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        found[reason.removeprefix(CAPABILITY) if reason.startswith(CAPABILITY) else f"an unnamed skip ({reason})"] += 1
    return found


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path. Only for tests marked ``browser``."""
    assert _chromium is not None, "mark the test with pytest.mark.browser"
    return _chromium


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture
def untraced() -> Iterator[None]:
    """Coverage rests meanwhile: for tests that go the same ways thousands of times, which other tests have gone before."""
    tracing = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(tracing)


@pytest.fixture(scope="session", autouse=True)
def _no_coverage_that_is_lost() -> Iterator[None]:
    """The child of an audit ends at once and leaves no coverage, so none is taken: that was two fifths of its time."""
    with pytest.MonkeyPatch.context() as patch:
        made = audit.child_environment
        patch.setattr(audit, "child_environment", lambda: _without_coverage(made()))
        yield


@pytest.fixture(autouse=True)
def _no_credential_of_another_test() -> Iterator[None]:
    """A process keeps what anybody of a scan has had, to mask it: a person whose password is ``password`` would take the word from all tests
    that follow."""
    held: set[Secret] = vars(probe)["_HELD"]
    before = set(held)
    yield
    held.intersection_update(before)


def _without_coverage(environ: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not name.startswith("COVERAGE_")}
