"""Every rule's page is its test: the detector hits the marked lines and no others, the probe convicts Bad and clears Good, the fix mends.

Try one rule: ``pytest tests/rules/test_pages.py -k <slug>``.
"""

import importlib.util
import itertools
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from stopper.cli.identity import identity
from stopper.core.app import App
from stopper.core.place import Span
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import Call, Choice, Format, Item, Mapping, Member, Sequence, Unknown
from stopper.rules.leak.last_resort_handler_missing import HANDLES
from stopper.scan.catalogue import Example, page, page_path, survey
from stopper.scan.engine import run_detectors
from stopper.scan.first_questions import all_silent, questions_of
from stopper.scan.merge import merged
from stopper.scan.reports.patch import patched
from stopper.scan.trial import try_rule

RULES, PROBLEMS = survey()
_numbers = itertools.count(1)
AWAY_FROM_HOME = frozenset({"insecure-transport", "development-server-in-production", "bearer-over-plain-http"})
"""Their probes have nothing to say on the loopback, where pages are served; ``test_transport_probes.py`` tries them elsewhere."""
BAD_IN_SOURCE_ONLY = frozenset(
    {
        "proxy-trust-misconfigured", "jwt-none-algorithm-listed", "jwt-algorithms-too-broad", "jwt-secret-reused", "public-key-as-secret",
        "password-stored-plaintext", "shadow-route", "vulnerable-auth-library", "abandoned-auth-library", "secret-key-unsafe-default",
        "same-url-different-policies",
    }
)  # fmt: skip
"""Their page's Bad is a line that no object of the application tells of; a case `Running` or ``test_running_wiring.py`` stands for it."""
NOT_INSTALLED = ("flask_limiter", "flask_talisman", "flask_session", "flask_login", "bcrypt")
"""Libraries that no test installs: applications that need them are judged where they are there."""


def _detectors() -> Iterator[Any]:
    for rule in RULES:
        if rule.detect is None:
            continue
        told = page(rule)
        for example in (told.bad, told.good, *told.cases):
            if example.kind != "running":
                yield pytest.param(rule, example, id=f"{rule.slug}-{example.kind}-{example.title}")


def _running() -> Iterator[Any]:
    for rule in RULES:
        if "running" in rule.surfaces:
            told = page(rule)
            bad = () if rule.slug in BAD_IN_SOURCE_ONLY else (told.bad,)
            for example in (*bad, told.good, *(case for case in told.cases if case.kind == "running")):
                if _lacks_library(example):
                    continue
                yield pytest.param(rule, example, id=f"{rule.slug}-{example.kind}-{example.title}")


def _lacks_library(example: Example) -> bool:
    """That it needs a library that is not here; ``test_running_halves.py`` judges stand-ins of the same shape."""
    return any(
        re.search(rf"^(?:from|import) {name}\b", text, re.MULTILINE) and importlib.util.find_spec(name) is None
        for name in NOT_INSTALLED
        for _, text in example.files
    )


def _probes() -> Iterator[Any]:
    for rule in RULES:
        for surface in ("wsgi", "http"):
            if rule.probe is not None and surface in rule.surfaces and rule.slug not in AWAY_FROM_HOME:
                for example in (one for one in (page(rule).bad, page(rule).good) if not _lacks_library(one)):
                    yield pytest.param(rule, example, surface, id=f"{rule.slug}-{example.kind}-{surface}")


def written(example: Example, folder: Path) -> list[Path]:
    """The example as files."""
    for name, text in example.files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [folder]


def read(example: Example, folder: Path) -> App:
    """The model that the source reader makes of the example."""
    from stopper.scan.source.read import read_source

    reading = read_source(written(example, folder), folder)
    assert not reading.errors, reading.errors
    return reading.app


def _covers(span: Span, mark: tuple[str, int]) -> bool:
    return span.path == mark[0] and span.line <= mark[1] <= span.end_line


def _printed(value: object) -> str:
    raise AssertionError(
        f"a detector prints a {type(value).__name__}: where parts are shared that never ends; ask mentions()"
    )


def hits(rule: Rule, app: App) -> tuple[Hit, ...]:
    with pytest.MonkeyPatch.context() as patch:
        for kind in (Call, Choice, Format, Item, Mapping, Member, Sequence, Unknown):
            patch.setattr(kind, "__repr__", _printed)
        (result,) = run_detectors(app, [rule])
    assert not result.error, result.error
    return result.hits


@pytest.mark.parametrize(("rule", "example"), list(_detectors()))
def test_detector_hits_the_marked_lines_and_no_others(rule: Rule, example: Example, tmp_path: Path) -> None:
    app = read(example, tmp_path)
    spans = [hit.span for hit in hits(rule, app) if hit.span is not None]
    wanted = set(example.marks(rule.slug))
    where = f"{page_path(rule).name} from line {example.line}"
    # A statement of several lines carries its mark on any of them: the formatter decides where a comment may stand.
    stray = [(span.path, span.line) for span in spans if not any(_covers(span, mark) for mark in wanted)]
    missed = [mark for mark in wanted if not any(_covers(span, mark) for span in spans)]
    assert not stray, f"{where}: hit but not marked: {sorted(stray)}"
    assert not missed, f"{where}: marked but not hit: {sorted(missed)}"
    if spans and rule.detect is not None:
        assert not all_silent(app, questions_of(rule.detect) or (), {}), (
            f"{where}: hit, but a run with the index would leave it out"
        )
    if example.kind == "bad":
        assert wanted, f"{where}: a bad example of a rule with a detector marks its line with `# expect: {rule.slug}`"
    else:
        assert not wanted, f"{where}: a good example has no marks"


@pytest.mark.filterwarnings("ignore")  # what a leaky example warns of is its own affair
@pytest.mark.parametrize(("rule", "example"), list(_running()))
def test_the_running_application_alone_convicts_bad_and_clears_good(
    rule: Rule, example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule that lists `running` sees Bad without a line of source; a case `Running` is seen so and in no other way."""
    from stopper.scan.running.read import read_running

    monkeypatch.setenv("SECRET_KEY", "given from outside, as the Good examples want it")
    for name in HANDLES[1:]:  # what another test has loaded is nothing of this application
        monkeypatch.delitem(sys.modules, name, raising=False)
    source = read(example, tmp_path)
    with imported(tmp_path, example) as app:
        model = read_running(app, tmp_path)
    found = hits(rule, model)
    if example.kind == "good":
        assert not found
        return
    assert [hit for hit in found if hit.reader in (None, "running")]
    assert all(hit.span is None or hit.reader == "running" for hit in found)
    if example.kind == "running":
        assert not hits(rule, source)
        assert hits(rule, merged(model, source))


@pytest.mark.filterwarnings("ignore")  # what a leaky example warns of is its own affair
@pytest.mark.filterwarnings("ignore:The HMAC key is")  # PyJWT warns of the weak keys that Bad examples are about
@pytest.mark.parametrize(("rule", "example", "surface"), list(_probes()))
def test_probe_convicts_bad_and_clears_good(rule: Rule, example: Example, surface: Any, tmp_path: Path) -> None:
    model = read(example, tmp_path)
    told = page(rule)
    with imported(tmp_path, example) as app:
        verdict = try_rule(
            rule,
            app,
            surface=surface,
            root=tmp_path,
            source=model,
            identities=[identity(text) for text in told.identities],
        )
    if example.kind == "bad":
        assert verdict.outcome == "fail", verdict.message
        assert verdict.routes
        assert sum(one.exchange is not None for one in verdict.evidence) >= 1
    else:
        assert verdict.outcome in ("pass", "not-applicable"), verdict.message


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.slug) for rule in RULES if rule.fix is not None])
def test_fix_leaves_nothing(rule: Rule, tmp_path: Path) -> None:
    """Of Bad; where a person has to say what belongs there, of the first case that has it all."""
    from stopper.scan.source.read import read_source

    assert rule.fix is not None
    told = page(rule)
    for number, example in enumerate((told.bad, *(case for case in told.cases if case.kind == "bad"))):
        folder = tmp_path / str(number)
        model = read(example, folder)
        found = hits(rule, model)
        edits = [edit for hit in found if (edit := rule.fix(model, hit)) is not None]
        if not edits or len(edits) < len(found):
            continue
        apply(edits, folder)
        again = read_source([folder], folder)
        assert not again.errors, again.errors
        assert hits(rule, again.app) == ()
        return
    pytest.fail("the fix has nothing to say about Bad and the cases")


def apply(edits: list[Edit], folder: Path) -> None:
    """Write the edits as `--fix` does."""
    for path in {edit.span.path for edit in edits}:
        file = folder / path
        made = patched(file.read_text(encoding="utf-8"), [edit for edit in edits if edit.span.path == path])
        file.write_text(made, encoding="utf-8")


class imported:
    """The example's Flask app, imported from *folder*; its modules are forgotten afterwards."""

    def __init__(self, folder: Path, example: Example) -> None:
        self._folder, self._example = folder, example
        self._before: set[str] = set()

    def __enter__(self) -> Any:
        self._before = set(sys.modules)
        sys.path.insert(0, str(self._folder))
        names = [name for name, _ in self._example.files if name.endswith(".py")]
        main = next((name for name in ("app.py", "main.py", "wsgi.py") if name in names), names[0])
        module = self._load(main)
        found = getattr(module, "app", None) or getattr(module, "create_app", lambda: None)()
        assert found is not None, f"{main} has neither app nor create_app()"
        return found

    def _load(self, name: str) -> ModuleType:
        title = f"page_example_{next(_numbers)}"
        spec = importlib.util.spec_from_file_location(title, self._folder / name)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[title] = module
        spec.loader.exec_module(module)
        return module

    def __exit__(self, *_: object) -> None:
        sys.path.remove(str(self._folder))
        for name in set(sys.modules) - self._before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(self._folder):
                del sys.modules[name]


def test_every_rule_is_two_files_that_agree() -> None:
    assert [str(problem) for problem in PROBLEMS] == []
