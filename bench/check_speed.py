"""How much CPU reading (or the whole of `stopper check`) costs beside `ast.parse` of the same files.

    python bench/check_speed.py FOLDER [--rounds 5] [--rules]

Rounds are interleaved, so that a slower minute of the machine hits both sides. The figure is CPU seconds of this process.
"""

import argparse
import ast
import resource
import statistics
import sys
import time
import tokenize
import warnings
from pathlib import Path

from stopper.scan.catalogue import load
from stopper.scan.source.files import find
from stopper.scan.source.read import SourceReading, read_source


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


def detect_all(reading: SourceReading) -> int:
    """Run every detector of the catalogue; give the number of hits."""
    return sum(1 for rule in load() if rule.detect is not None for _ in rule.detect(reading.app))


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--rules", action="store_true", help="also run every detector")
    given = asked.parse_args()
    folder = given.folder.absolute()
    paths = [path for path in find((folder,), folder, ()) if path.suffix == ".py"]
    warnings.simplefilter("ignore")
    ratios: list[float] = []
    for number in range(given.rounds):
        start = time.process_time()
        lines = parse_all(paths)
        parsed = time.process_time()
        reading = read_source((folder,), folder)
        hits = detect_all(reading) if given.rules else 0
        done = time.process_time()
        ratio = (done - parsed) / (parsed - start)
        ratios.append(ratio)
        show(
            f"round {number + 1}: {len(paths)} files, {lines} lines; ast.parse {parsed - start:.2f} s, stopper {done - parsed:.2f} s,"
            f" ratio {ratio:.2f}" + (f", {hits} hits" if given.rules else "")
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    show(f"median ratio {statistics.median(ratios):.2f}; peak memory {peak:.0f} MiB")


if __name__ == "__main__":
    main()
