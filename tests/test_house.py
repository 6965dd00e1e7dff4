"""The house rules hold, and each of them bites: what breaks one makes the run red."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

BIN = Path(sys.executable).parent


def _run(*command: str, cwd: Path, source: Path | None = None) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    if source is not None:
        environ["PYTHONPATH"] = str(source)
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def copy(repository: Path, tmp_path: Path) -> Path:
    """A copy of the house in which a test may break something."""
    ignore = shutil.ignore_patterns("__pycache__", ".venv", ".git", "build")
    for part in ("src", "docs", "tests"):
        shutil.copytree(repository / part, tmp_path / part, ignore=ignore)
    shutil.copy(repository / "pyproject.toml", tmp_path / "pyproject.toml")
    return tmp_path


def test_a_broken_import_direction_is_refused(copy: Path) -> None:
    rim = copy / "src/stopper/scan/report.py"
    rim.write_text(rim.read_text("utf-8") + "\nimport stopper.auth.verifier  # noqa\n", "utf-8")
    result = _run(str(BIN / "lint-imports"), "--no-cache", cwd=copy, source=copy / "src")
    assert result.returncode != 0, result.stdout
    assert "The judge does not know the accused BROKEN" in result.stdout


def test_the_layers_hold(repository: Path) -> None:
    result = _run(str(BIN / "lint-imports"), "--no-cache", cwd=repository)
    assert result.returncode == 0, result.stdout


def test_import_linter_sees_every_module_on_disk(repository: Path) -> None:
    root = repository / "src"
    on_disk = {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        for path in (root / "stopper").rglob("*.py")
        if (path.parent / "__init__.py").exists()
    }
    assert on_disk == set(grimp.build_graph("stopper", cache_dir=None).modules)


def test_a_rule_without_a_page_is_refused(copy: Path) -> None:
    next((copy / "src/stopper/rules").rglob("debug_enabled.md")).unlink()
    result = _run(
        sys.executable, "-c", "from stopper.scan import catalogue; catalogue.load()", cwd=copy, source=copy / "src"
    )
    assert result.returncode != 0
    assert "debug_enabled.md" in result.stderr


def test_a_page_whose_mark_is_on_the_wrong_line_is_refused(copy: Path) -> None:
    page = next((copy / "src/stopper/rules").rglob("debug_enabled.md"))
    lines = page.read_text("utf-8").splitlines()
    marked = next(index for index, line in enumerate(lines) if "# expect: debug-enabled" in line)
    lines[marked] = lines[marked].replace("# expect: debug-enabled", "").rstrip()
    other = next(index for index, line in enumerate(lines) if line.startswith("app = Flask("))
    lines[other] += "  # expect: debug-enabled"
    page.write_text("\n".join(lines) + "\n", "utf-8")
    pages = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        "debug-enabled",
        "tests/rules/test_pages.py",
    ]
    result = _run(*pages, cwd=copy, source=copy / "src")
    assert result.returncode == 1, result.stdout


def test_a_setting_without_documentation_is_refused(copy: Path) -> None:
    policy = copy / "src/stopper/auth/verifier.py"
    policy.write_text(
        policy.read_text("utf-8")
        + '\nfrom stopper.core import settings as _s\n_s.switch("UNDOCUMENTED", False, "x")\n',
        "utf-8",
    )
    result = _run(sys.executable, "docs/make.py", "--check", cwd=copy, source=copy / "src")
    assert result.returncode == 1
    assert "settings.md" in result.stderr


def test_every_row_of_the_fault_model_has_a_test(repository: Path) -> None:
    """Rows 1 to 12, 14 to 19, 38 to 40 and 42: what is injected for real below and around the stores."""
    marks = re.compile(r"^@pytest\.mark\.fault\(([0-9, ]+)\)$", re.MULTILINE)
    told = {
        int(number)
        for file in (repository / "tests").rglob("test_*.py")
        for found in marks.findall(file.read_text("utf-8"))
        for number in found.split(",")
    }
    assert {*range(1, 13), *range(14, 20), 38, 39, 40, 42} <= told


def test_no_file_carries_a_path_of_a_machine(repository: Path) -> None:
    tracked = _run("git", "ls-files", "-z", cwd=repository).stdout.split("\0")
    home = str(repository) + "/"
    carrying = [
        name
        for name in tracked
        if name and (repository / name).is_file() and home.encode() in (repository / name).read_bytes()
    ]
    assert carrying == []
