"""What each rule's detector costs beside `ast.parse` of the same files, the dearest first.

    python bench/rule_speed.py FOLDER [--rounds 3] [--most 25]

The source is read once a round. Detectors then run one after the other on fresh facts, so the first rule that asks a question pays for
what the facts remember of it: the line `first questions` says how much that is, because it asks the usual ones before any rule does.
Figures are CPU, medians over the rounds, in thousandths of `ast.parse`.
"""

import argparse
import statistics
import sys
import time
import warnings
from pathlib import Path

from check_speed import parse_all, show

from stopper.core.facts import SourceFacts, source_of
from stopper.scan.catalogue import load
from stopper.scan.source.files import find
from stopper.scan.source.read import read_source


def first_questions(facts: SourceFacts) -> None:
    """Fill what facts remember for every rule alike."""
    for _ in facts.calls("flask.Flask"):
        pass
    for _ in facts.calls():
        pass
    for _ in facts.flows():
        pass
    facts.function("")
    facts.routes_of_view("")


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--most", type=int, default=25, help="how many rules are shown")
    given = asked.parse_args()
    warnings.simplefilter("ignore")
    folder = given.folder.absolute()
    paths = [path for path in find((folder,), folder, ()) if path.suffix == ".py"]
    costs: dict[str, list[float]] = {}
    hits: dict[str, int] = {}
    for _ in range(given.rounds):
        start = time.process_time()
        parse_all(paths)
        parsed = time.process_time() - start
        app = read_source((folder,), folder).app
        start = time.process_time()
        first_questions(source_of(app))
        costs.setdefault("first questions", []).append((time.process_time() - start) / parsed)
        for rule in load():
            if rule.detect is None:
                continue
            start = time.process_time()
            try:
                hits[rule.slug] = sum(1 for _ in rule.detect(app))
            except Exception as error:  # noqa: BLE001 - a rule that fails is a line of the table
                sys.stderr.write(f"{rule.slug}: {error!r}\n")
            costs.setdefault(rule.slug, []).append((time.process_time() - start) / parsed)
        del app
    middle = {slug: statistics.median(found) for slug, found in costs.items()}
    show(f"{len(paths)} files, {len(middle) - 1} detectors, together {sum(middle.values()):.3f} × ast.parse")
    for slug in sorted(middle, key=lambda one: -middle[one])[: given.most]:
        show(f"{middle[slug] * 1000:8.1f} ‰  {hits.get(slug, 0):5} hits  {slug}")


if __name__ == "__main__":
    main()
