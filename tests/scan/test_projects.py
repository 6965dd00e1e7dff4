"""Several applications in one folder are judged one by one, and the report is the same by one process or several."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from stopper.scan import check, judge
from stopper.scan.catalogue import load
from stopper.scan.check import run_check
from stopper.scan.options import CheckOptions
from stopper.scan.report import Report
from stopper.scan.source.files import find
from stopper.scan.source.looks import looks
from stopper.scan.source.partition import Homes, Part, partition

APP = "from flask import Flask\napp = Flask(__name__)\napp.run(debug=True)\n"


def write(folder: Path, files: dict[str, str]) -> None:
    """Write these files."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def parts(folder: Path, files: dict[str, str]) -> list[set[str]]:
    """The names of the files of each project in a folder of these files."""
    write(folder, files)
    return [{path.relative_to(folder).as_posix() for path in part.files} for part in parted(folder)]


def parted(folder: Path) -> tuple[Part, ...]:
    """The projects in a folder."""
    found = list(find((folder,), folder, ()))
    homes = Homes([str(path) for path in found], folder)
    seen = looks(found, {}, imports=True)
    return partition(homes, found, (folder,), lambda path: seen[path].tops)


def test_two_folders_with_dependencies_of_their_own_are_two_projects(tmp_path):
    made = parts(tmp_path, {"a/pyproject.toml": "", "a/app.py": APP, "b/requirements.txt": "", "b/app.py": APP})
    assert made == [{"a/pyproject.toml", "a/app.py"}, {"b/requirements.txt", "b/app.py"}]


def test_a_project_that_imports_from_another_is_one_with_it(tmp_path):
    files = {
        "pyproject.toml": "", "shared/keys.py": "KEY = 1\n", "api/requirements.txt": "", "api/app.py": "from shared.keys import KEY\n",
        "other/setup.py": "",
    }  # fmt: skip
    assert sorted(map(sorted, parts(tmp_path, files))) == [
        ["api/app.py", "api/requirements.txt", "pyproject.toml", "shared/keys.py"],
        ["other/setup.py"],
    ]


def test_the_outer_project_that_imports_the_inner_is_one_with_it(tmp_path):
    assert len(parts(tmp_path, {"run.py": "from api import app\n", "api/setup.cfg": "", "api/app.py": APP})) == 1


def test_a_package_with_requirements_inside_is_no_project_of_its_own(tmp_path):
    assert (
        len(parts(tmp_path, {"run.py": APP, "shop/__init__.py": "", "shop/requirements.txt": "", "shop/a.py": ""})) == 1
    )


def test_a_folder_without_code_speaks_for_the_code_around_it(tmp_path):
    made = parts(tmp_path, {"app.py": APP, "deploy/requirements.txt": "", "deploy/.env": "SECRET_KEY=x\n"})
    assert made == [{"app.py", "deploy/requirements.txt", "deploy/.env"}]


def test_tests_beside_the_folder_of_the_code_make_no_project_of_their_own(tmp_path):
    files = {
        "backend/pyproject.toml": "",
        "backend/app.py": APP,
        "tests/test_app.py": "import pytest\n",
        "config/default.yml": "",
    }
    assert parts(tmp_path, files) == [set(files)]


def test_a_project_is_asked_for_dependencies_where_it_stands_and_around(tmp_path):
    write(tmp_path, {"a/setup.py": "", "a/app.py": APP, "b/setup.py": "", "b/app.py": APP})
    assert [part.folders for part in parted(tmp_path)] == [(tmp_path / "a", tmp_path), (tmp_path / "b", tmp_path)]


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CheckOptions:
    """Three projects, two of them with a weakness."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "projects"
    write(
        folder,
        {
            "a/setup.py": "",
            "a/app.py": APP,
            "b/setup.py": "",
            "b/app.py": APP,
            "c/setup.py": "",
            "c/app.py": "import flask\n",
        },
    )
    return CheckOptions((folder,), folder, tuple(rule for rule in load() if rule.detect is not None))  # fmt: skip


def bare(report: Report) -> Report:
    """What must be the same in every run."""
    return replace(report, started="", seconds=0.0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="several processes need fork")
def test_several_processes_come_to_the_same_report(options, monkeypatch):
    monkeypatch.setattr(check, "WORTH_A_PROCESS", 0)
    alone, beside = run_check(replace(options, jobs=1)), run_check(replace(options, jobs=3))
    assert len([one for one in alone.findings if one.rule.slug == "debug-enabled"]) == 2
    assert bare(alone) == bare(beside)


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_project_at_which_stopper_itself_breaks_loses_none_of_the_others(options, monkeypatch, jobs):
    def broken(part, *rest, **named):
        if any(path.parent.name == "b" for path in part):
            raise RecursionError("maximum recursion depth exceeded")
        return read_files(part, *rest, **named)

    read_files = judge.read_files
    monkeypatch.setattr(judge, "read_files", broken)
    monkeypatch.setattr(check, "WORTH_A_PROCESS", 0)
    report = run_check(replace(options, jobs=jobs))
    assert [one.places[0].span.path for one in report.findings if one.rule.slug == "debug-enabled"] == ["a/app.py"]
    (error,) = report.errors
    assert (error.path, error.fatal) == ("b", True)
    assert error.message.startswith("an error inside Stopper: RecursionError: maximum recursion depth exceeded; ")
    assert (report.coverage.tested, report.coverage.total) == (4, 6)


def test_a_change_in_one_project_leaves_what_is_remembered_of_the_others(options, tmp_path):
    kept = replace(options, cache=True)
    first = run_check(kept)
    (options.root / "c" / "app.py").write_text(APP)
    second = run_check(kept)
    folder = tmp_path / "cache" / "stopper" / "check"
    assert len(list(folder.glob("*.json"))) == 4
    assert len(second.findings) > len(first.findings)
    fresh = run_check(options)
    assert [one.places for one in second.findings] == [one.places for one in fresh.findings]


def test_counts_and_outcomes_of_all_projects_are_in_one_report(options):
    report = run_check(options)
    assert (report.coverage.tested, report.coverage.total) == (6, 6)
    (outcome,) = [one for one in report.outcomes if one.slug == "debug-enabled"]
    assert (outcome.outcome, outcome.message) == ("fail", "2 places")


def test_what_one_application_imports_says_nothing_of_another(tmp_path):
    """A limiter of one application must not excuse another in the same folder."""
    rules = tuple(rule for rule in load() if rule.slug == "login-not-throttled")
    bad = "from flask import Flask, request, session\nfrom werkzeug.security import check_password_hash\napp = Flask(__name__)\n\n\n@app.post('/login')\ndef login():\n    user = find(request.form['email'])\n    if user and check_password_hash(user.password, request.form['password']):\n        session['user'] = user.id\n        return 'ok'\n    return 'no', 401\n"
    good = "from flask import Flask\nfrom flask_limiter import Limiter\napp = Flask(__name__)\nlimiter = Limiter(lambda: '', app=app, default_limits=['5/minute'])\n"
    write(tmp_path, {"a/setup.py": "", "a/app.py": bad, "b/setup.py": "", "b/app.py": good})
    options = CheckOptions((tmp_path,), tmp_path, rules)
    (tmp_path / "alone").mkdir()
    write(tmp_path / "alone", {"app.py": bad})
    alone = run_check(CheckOptions((tmp_path / "alone",), tmp_path / "alone", rules))
    assert len(alone.findings) == 1
    assert any(
        place.span and place.span.path == "a/app.py" for one in run_check(options).findings for place in one.places
    )
