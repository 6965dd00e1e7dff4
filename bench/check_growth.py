"""How what `stopper check` costs grows with the source: CPU and memory a thousand lines, of one application that gets larger and larger.

    python bench/check_growth.py FOLDER [--lines 50000 200000 1000000] [--rounds 3]

FOLDER holds real code. Its Python files are laid side by side as often as it takes, as one application: what tells two applications apart
(requirements, pyproject) is left out, so nothing is read piece by piece. Each measurement is a process of its own, and the sizes take turns.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from stopper.scan.catalogue import load
from stopper.scan.check import run_check
from stopper.scan.options import CheckOptions
from stopper.scan.source.files import find


def show(line: str) -> None:
    """Say one line now."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def grown(folder: Path, target: Path, lines: int) -> int:
    """Lay copies of the folder's code side by side until there are so many lines; give how many there are."""
    sources = [path for path in find((folder,), folder, ()) if path.suffix == ".py" and path.name != "setup.py"]
    sizes = {path: path.read_bytes().count(b"\n") for path in sources}
    made, copy = 0, 0
    while made < lines:
        for path in sources:
            if made >= lines:
                break
            place = target / f"copy_{copy}" / path.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
            made += sizes[path]
        copy += 1
    return made


def one(folder: Path) -> None:
    """Check the folder in this process; print the CPU seconds and the MiB that it took."""
    rules = load()
    before = resource.getrusage(resource.RUSAGE_SELF)
    run_check(CheckOptions((folder,), folder, rules, jobs=1))
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    show(f"{spent:.4f} {after.ru_maxrss / 1024:.1f}")


def measured(folder: Path) -> tuple[float, float]:
    """The same in a process of its own."""
    done = subprocess.run([sys.executable, __file__, "--one", str(folder)], capture_output=True, text=True, check=True)
    spent, memory = done.stdout.split()
    return float(spent), float(memory)


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--lines", type=int, nargs="+", default=[50_000, 200_000, 1_000_000])
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = asked.parse_args()
    folder = given.folder.absolute()
    if given.one:
        one(folder)
        return
    with tempfile.TemporaryDirectory() as scratch:
        sizes = {lines: Path(scratch, str(lines)) for lines in given.lines}
        made = {lines: grown(folder, place, lines) for lines, place in sizes.items()}
        found: dict[int, list[tuple[float, float]]] = {lines: [] for lines in sizes}
        for _ in range(given.rounds):
            for lines, place in sizes.items():
                found[lines].append(measured(place))
        first = 0.0
        for lines, results in found.items():
            each = 1000 * statistics.median(spent for spent, _ in results) / made[lines] * 1000
            first = first or each
            memory = max(memory for _, memory in results)
            show(
                f"{made[lines]:>9} lines: {each:6.2f} ms CPU a thousand lines, {each / first:4.2f} of the first; {memory:5.0f} MiB"
            )


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    main()
