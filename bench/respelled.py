"""The cases of every page, put in other words by machine: how many Bad ones are still told and how many Good ones still silent.

    python bench/respelled.py [--rewriting NAME…] [--rule SLUG…] [--missed] [--show] [--share] [--write]

Prints a table of rewritings; ``--missed`` names the cases whose verdict changed, ``--show`` prints them as they were read. ``--share`` asks
only those that the test asks; ``--write`` does so and takes what is kept by now out of the list of known misses. A miss that is not in the
list is named, and the list stays as it was.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.rules.respelling.table import REWRITINGS
from tests.rules.respelling.trial import KNOWN, Ground, Outcome, cases, is_in_share, known_misses, outcomes

HEAD = """\
# Cases of the pages whose verdict changes with the spelling: rewriting | slug | kind | title. This list may only get shorter.
# Written by: python bench/respelled.py --write
"""


def say(line: str = "") -> None:
    """Print one line."""
    sys.stdout.write(line + "\n")


def table(found: list[Outcome]) -> None:
    """One line a rewriting: how many Bad and Good cases it could rewrite, and how many kept their verdict."""
    counted: Counter[tuple[str, str, bool]] = Counter((one.rewriting, one.case.kind, one.kept) for one in found)
    say(f"{'rewriting':44} {'Bad':>5} {'kept':>5} {'%':>6}  {'Good':>5} {'told':>5} {'%':>6}  wrong")
    for title in [*dict.fromkeys(one.rewriting for one in found), "all"]:
        these = [title] if title != "all" else list(dict.fromkeys(one.rewriting for one in found))
        kept, lost = (sum(counted[one, "bad", held] for one in these) for held in (True, False))
        silent, told = (sum(counted[one, "good", held] for one in these) for held in (True, False))
        wrong = sum(1 for one in found if one.wrong and one.rewriting in these)
        bad, good = kept + lost, silent + told
        say(
            f"{title:44} {bad:5} {kept:5} {100 * kept / max(bad, 1):6.1f}  {good:5} {told:5} {100 * told / max(good, 1):6.1f}  {wrong or ''}"
        )


def write(found: list[Outcome], *, whole: bool) -> None:
    """Take what is kept by now out of the list of known misses; *whole*: every rule was asked in every spelling."""
    if not whole:
        raise SystemExit("--write asks every rule in every spelling: leave --rewriting and --rule out")
    missed = {one.key for one in found if not one.kept}
    new = sorted(missed - known_misses()) if KNOWN.exists() else []
    if new:
        raise SystemExit("\n".join(["these are not in the list of known misses; mend what misses them:", *new]))
    KNOWN.write_text(HEAD + "".join(f"{line}\n" for line in sorted(missed)), encoding="utf-8")


def main() -> None:
    """Run the whole trial."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rewriting", nargs="*", default=list(REWRITINGS))
    parser.add_argument("--rule", nargs="*")
    parser.add_argument("--missed", action="store_true")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--share", action="store_true")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    titles = [one for one in REWRITINGS if any(one.startswith(wish) for wish in asked.rewriting)]
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(Path(folder))
        rules = set(asked.rule or ())
        every = list(cases(ground, lambda rule: not rules or rule.slug in rules))
        wanted = is_in_share if asked.share or asked.write else (lambda *_: True)
        found = list(outcomes(ground, every, titles, wanted))
    for one in sorted(found, key=lambda one: (one.case.rule.slug, one.rewriting)):
        if not one.kept and asked.missed:
            say(f"{one.case.kind:4} {one.key} {one.wrong}")
        if not one.kept and asked.show:
            for name, text in (REWRITINGS[one.rewriting](one.case.sources) or {}).items():
                say(f"# file: {name}\n{text}")
    table(found)
    if asked.write:
        write(found, whole=len(titles) == len(REWRITINGS) and not rules)


if __name__ == "__main__":
    main()
