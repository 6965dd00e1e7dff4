"""What `stopper check` costs beside `ast.parse` of the same files, and beside Bandit where it is given.

    python bench/check_speed.py FOLDER [--rounds 5] [--reader-only]
    python bench/check_speed.py FOLDER --processes [--bandit PATH/TO/bandit] [--rounds 5]

Rounds are interleaved, so that a slower minute of the machine hits every side; a figure is the median of the ratios of single rounds.
Without `--processes` it is CPU seconds inside this process, all of it in one. With it, whole processes are started: cold
(nothing remembered), warm (nothing changed), after one file changed, and Bandit, each with CPU, wall clock and peak memory.
"""

import argparse
import ast
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tokenize
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stopper.scan.catalogue import load
from stopper.scan.check import run_check
from stopper.scan.options import CheckOptions
from stopper.scan.source.files import find
from stopper.scan.source.read import read_source


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process cost: seconds of CPU and on the clock, and MiB at the most."""

    cpu: float
    wall: float
    memory: float


def show(line: str) -> None:
    """Say one line now."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def parse_all(paths: list[Path]) -> int:
    """Parse every file as Python would; give the number of lines."""
    lines = 0
    for path in paths:
        try:
            with tokenize.open(path) as handle:
                text = handle.read()
            ast.parse(text)
        except (SyntaxError, ValueError, OSError, RecursionError):
            continue
        lines += text.count("\n")
    return lines


def check(folder: Path, reader_only: bool) -> int:
    """Check the folder in this process, or only read it; give the number of findings."""
    if reader_only:
        read_source((folder,), folder)
        return 0
    return len(run_check(CheckOptions((folder,), folder, load(), jobs=1)).findings)


def inside(folder: Path, rounds: int, reader_only: bool) -> None:
    """Compare in this process."""
    paths = [path for path in find((folder,), folder, ()) if path.suffix == ".py"]
    ratios: list[float] = []
    for number in range(rounds):
        start = time.process_time()
        lines = parse_all(paths)
        parsed = time.process_time()
        found = check(folder, reader_only)
        done = time.process_time()
        ratios.append((done - parsed) / (parsed - start))
        show(
            f"round {number + 1}: {len(paths)} files, {lines} lines; ast.parse {parsed - start:.2f} s, "
            f"check {done - parsed:.2f} s, ratio {ratios[-1]:.2f}, {found} findings"
        )
    show(f"median ratio {statistics.median(ratios):.2f}")


def run(command: list[str], environment: dict[str, str]) -> Cost:
    """Run one process to its end and say what it cost."""
    began = time.perf_counter()
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, used = os.wait4(child.pid, 0)
    child.returncode = 0
    wall = time.perf_counter() - began
    return Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024)


def outside(folder: Path, rounds: int, bandit: str | None) -> None:
    """Compare whole processes on a copy of the folder, which a round may change."""
    with tempfile.TemporaryDirectory() as scratch:
        project, home = Path(scratch, "project"), Path(scratch, "cache")
        shutil.copytree(folder, project, symlinks=True)
        changed = max(project.rglob("*.py"), key=lambda path: path.stat().st_size)
        environment = {**os.environ, "XDG_CACHE_HOME": str(home)}
        check = [sys.executable, "-m", "stopper.cli", "check", str(project), "--format", "json"]
        parse = [sys.executable, "-c", PARSE, str(project)]
        text = changed.read_text()

        def cold() -> Cost:
            shutil.rmtree(home, ignore_errors=True)
            changed.write_text(text)
            return run(check, environment)

        def one_changed() -> Cost:
            changed.write_text(text + f"\n# {time.time_ns()}\n")
            return run(check, environment)

        sides: dict[str, Callable[[], Cost]] = {
            "ast.parse": lambda: run(parse, environment),
            "cold": cold,
            "warm": lambda: run(check, environment),
            "one file changed": one_changed,
        }
        if bandit:
            sides["bandit"] = lambda: run([bandit, "-q", "-r", str(project), "-f", "json"], environment)
        tell([{name: side() for name, side in sides.items()} for _ in range(rounds)])


def tell(rounds: list[dict[str, Cost]]) -> None:
    """One line a side: its medians, and the medians of its ratios to the cold run and to Bandit."""
    for name in rounds[0]:
        cpu, wall = (statistics.median(getattr(one[name], what) for one in rounds) for what in ("cpu", "wall"))
        line = (
            f"{name:17} CPU {cpu:6.2f} s  wall {wall:6.2f} s  memory {max(one[name].memory for one in rounds):4.0f} MiB"
        )
        for other in ("cold", "bandit"):
            if other in rounds[0] and other != name:
                shares = (one[name].cpu / one[other].cpu for one in rounds)
                clocks = (one[name].wall / one[other].wall for one in rounds)
                line += f"  ÷ {other}: CPU {statistics.median(shares):.3f}, wall {statistics.median(clocks):.3f}"
        show(line)


PARSE = """
import ast, pathlib, sys, tokenize, warnings
warnings.simplefilter("ignore")
for path in pathlib.Path(sys.argv[1]).rglob("*.py"):
    try:
        with tokenize.open(path) as handle:
            ast.parse(handle.read())
    except (SyntaxError, ValueError, OSError, RecursionError):
        pass
"""


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--reader-only", action="store_true", help="read as one project, and leave the detectors out")
    asked.add_argument("--processes", action="store_true", help="compare whole processes")
    asked.add_argument("--bandit", metavar="PROGRAM", help="a Bandit to compare with")
    given = asked.parse_args()
    warnings.simplefilter("ignore")
    folder = given.folder.absolute()
    if given.processes:
        outside(folder, given.rounds, given.bandit)
    else:
        inside(folder, given.rounds, given.reader_only)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        show(f"peak memory {peak:.0f} MiB")


if __name__ == "__main__":
    main()
