"""Whatever refers to what in a program: it is read to an end, no rule breaks at it, and no value is a part of itself."""

import ast
from pathlib import Path

import pytest
from tests.scan.source.made_programs import part_of_itself, program

from stopper.core.facts import source_of
from stopper.core.rule import Rule
from stopper.scan.catalogue import load
from stopper.scan.check import run_check
from stopper.scan.options import CheckOptions
from stopper.scan.source.read import read_files

RULES: tuple[Rule, ...] = tuple(rule for rule in load() if rule.detect is not None)


def written(folder: Path, seed: int, size: int = 1) -> tuple[Path, ...]:
    """The files of one program."""
    for name, text in program(seed, size).items():
        ast.parse(text)  # a program of this kind, and no text that is refused
        (folder / name).write_text(text)
    return tuple(sorted(folder.glob("*.py")))


@pytest.mark.parametrize("seed", range(60))
def test_no_rule_breaks_at_a_program_made_by_chance(tmp_path: Path, seed: int) -> None:
    written(tmp_path, seed, 1 + seed % 2)
    report = run_check(CheckOptions((tmp_path,), tmp_path, RULES))
    assert [(one.path, one.message) for one in report.errors] == []


@pytest.mark.parametrize("tenth", range(10))
def test_no_value_of_a_program_made_by_chance_is_a_part_of_itself(tmp_path: Path, tenth: int) -> None:
    for seed in range(1000 + 25 * tenth, 1000 + 25 * (tenth + 1)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        facts = source_of(read_files(written(folder, seed), folder, (folder,)).app)
        returned = [one.value for one in facts.all_returns]
        assert part_of_itself([*facts.all_calls, *returned]) is None, f"program({seed})"
