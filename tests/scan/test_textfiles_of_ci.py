"""Files of the pipeline are known by their names, and their lines are put together into steps."""

import pytest

from stopper.core.deployment.ci_steps import steps_of
from stopper.core.fact import TextFile
from stopper.scan.source.textfiles import kind_of


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (".github/workflows/test.yml", "workflow"),
        (".gitlab-ci.yml", "workflow"),
        ("Jenkinsfile", "workflow"),
        ("Makefile", "build"),
        ("tox.ini", "build"),
        ("requirements-dev.txt", "requirements"),
        ("poetry.lock", "requirements"),
        ("pyproject.toml", "requirements"),
        ("notes.txt", None),
    ],
)
def test_kind_of_a_file(path: str, kind: str | None) -> None:
    assert kind_of(path) == kind


def test_items_of_steps_are_steps_and_lines_after_them_are_not() -> None:
    text = "jobs:\n  one:\n    steps:\n      - run: a\n        with: x\n      - run: |\n          b  # why\n  two:\n    needs: one\n"
    steps = steps_of(TextFile("w.yml", "workflow", tuple(text.splitlines())))
    found = [step.text for step in steps]
    assert "      - run: a\n        with: x" in found
    assert "      - run: |\n          b" in found
    assert found[-1] == "  two:\n    needs: one"


def test_jobs_of_gitlab_are_steps() -> None:
    text = "scan:\n  script:\n    - a\n  allow_failure: true\ntest:\n  script:\n    - b\n"
    found = [step.text for step in steps_of(TextFile(".gitlab-ci.yml", "workflow", tuple(text.splitlines())))]
    assert len(found) == 2
    assert "allow_failure" in found[0]
