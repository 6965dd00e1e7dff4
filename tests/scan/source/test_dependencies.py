"""Versions come from what is nearest to the truth: a lock, a pin, the environment inside the project, a lower bound."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stopper.scan.source.dependencies import dependencies


def _environment(root: Path, *names: str, folder: str = ".venv", posix: bool = True) -> None:
    packages = root / folder / ("lib/python3.12/site-packages" if posix else "Lib/site-packages")
    packages.mkdir(parents=True)
    (root / folder / "pyvenv.cfg").write_text("home = /usr\n")
    for name in names:
        (packages / name).mkdir()


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"requirements.txt": "PyJWT>=1.7\n"}, "2.10.1"),
        ({"requirements.txt": "PyJWT\n"}, "2.10.1"),
        ({"requirements.txt": "PyJWT==2.4.0\n"}, "2.4.0"),
        (
            {"requirements.txt": "PyJWT==2.4.0\n", "poetry.lock": '[[package]]\nname = "pyjwt"\nversion = "2.9.0"\n'},
            "2.9.0",
        ),
        ({}, "2.10.1"),
    ],
)
@pytest.mark.parametrize("posix", [True, False])
def test_an_environment_beats_a_bound_and_loses_to_a_pin(
    tmp_path: Path, files: dict[str, str], version: str, posix: bool
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    _environment(tmp_path, "pyjwt-2.10.1.dist-info", posix=posix)
    assert dependencies((tmp_path,))["pyjwt"] == version


@pytest.mark.parametrize(
    "files",
    [
        {"requirements.txt": "-r backend/requirements.txt\n", "backend/requirements.txt": "PyJWT==1.6.3\n"},
        {"requirements.txt": "--requirement=pins/base.txt\n-r requirements.txt\n", "pins/base.txt": "PyJWT==1.6.3\n"},
        {"backend/requirements.txt": "PyJWT==1.6.3\n", "docs/requirements.txt": "PyJWT==2.9.0\n"},
    ],
)
def test_requirements_are_followed_to_where_they_are_written(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert dependencies((tmp_path,)) == {"pyjwt": "1.6.3"}


def test_of_an_environment_counts_what_the_project_names(tmp_path: Path) -> None:
    """What somebody installed for the day is no dependency."""
    (tmp_path / "requirements.txt").write_text("flask>=2\n")
    _environment(tmp_path, "Flask-3.1.0.dist-info", "pyjwt-1.7.1.dist-info", folder="env")
    assert dependencies((tmp_path,)) == {"flask": "3.1.0"}


def test_a_folder_that_only_has_the_name_is_no_environment(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PyJWT=1\n")
    (tmp_path / "venv" / "lib" / "python3.12" / "site-packages" / "pyjwt-1.7.1.dist-info").mkdir(parents=True)
    assert dependencies((tmp_path,)) == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("setup.cfg", "[options]\ninstall_requires =\n    Flask==1.1.4\n    PyJWT ~=1.7\n"),
        ("setup.py", "from setuptools import setup\nsetup(install_requires=['Flask==1.1.4', 'PyJWT~=1.7'])\n"),
        (
            "setup.py",
            "import setuptools\nNEEDS = ['Flask==1.1.4', 'PyJWT~=1.7']\nsetuptools.setup(install_requires=NEEDS)\n",
        ),
    ],
)
def test_older_projects_name_them_in_their_setup(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert dependencies((tmp_path,)) == {"flask": "1.1.4", "pyjwt": "1.7"}


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["setup.cfg", "setup.py", "requirements.txt", "pyproject.toml", "Pipfile", "uv.lock"]),
    data=st.binary(max_size=200),
)
def test_any_bytes_are_read_or_passed_over(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(b"[options]\ninstall_requires = x\n" + data)
    for version in dependencies((tmp_path,)).values():
        assert isinstance(version, str)


def test_what_a_project_beside_it_pins_says_nothing(tmp_path: Path) -> None:
    for name, text in (("one", "PyJWT==2.4.0\nFlask==2.0.0\n"), ("two", "PyJWT>=2.10\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "requirements.txt").write_text(text)
    assert dependencies((tmp_path, tmp_path / "two")) == {"pyjwt": "2.10"}


def test_a_folder_without_requirements_asks_those_beside_it(tmp_path: Path) -> None:
    for name in ("api", "src"):
        (tmp_path / name).mkdir()
    (tmp_path / "api" / "requirements.txt").write_text("PyJWT==2.4.0\n")
    assert dependencies((tmp_path, tmp_path / "src")) == {"pyjwt": "2.4.0"}
