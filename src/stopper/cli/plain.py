"""The options of `stopper check` where each is written in the plainest way, read without click: to bring it up would be a twentieth of a small run.

Whatever is written in another way, is wrong or asks for help is left to click, which says so.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from stopper.cli.output import FORMATS
from stopper.core.rule import SEVERITIES

FLAGS: Final = {"--fix": "fix", "--unsafe-fixes": "unsafe_fixes", "--diff": "diff", "--no-cache": "no_cache"}
"""What is there or not, by the name of its parameter."""
TEXTS: Final = {"--changed-since": "changed_since", "--accepted": "accepted", "--config": "config"}
"""What is said once, in any words."""
NUMBERS: Final = {"--jobs": "jobs"}
"""What is said once, as a whole number."""
WORDS: Final = {"--fail-on": ("fail_on", SEVERITIES)}
"""What is said once, in one of these words."""
REPEATED: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "--exclude": ("exclude", ()),
    "--select": ("select", ()),
    "--ignore": ("ignore", ()),
    "--format": ("formats", FORMATS),
    "--output": ("outputs", ()),
}
"""What may be said several times, in one of these words where there are any."""
UNSAID: Final = {"threshold": None, "traceback": False}
"""What is left to click when it is said."""
_MOST_DIGITS: Final = 9


def plain(arguments: Sequence[str]) -> dict[str, Any] | None:
    """What click would make of the words behind ``check``; None where it has to be asked."""
    once = (*TEXTS.values(), *NUMBERS.values(), *(name for name, _ in WORDS.values()))
    found: dict[str, Any] = {**dict.fromkeys(FLAGS.values(), False), **dict.fromkeys(once), **UNSAID}
    found.update((name, ()) for name, _ in REPEATED.values())
    paths: list[str] = []
    left = iter(arguments)
    for word in left:
        if not word.startswith("-"):
            paths.append(word)
        elif word in FLAGS:
            found[FLAGS[word]] = True
        elif not _said(word, left, found):
            return None
    return {**found, "paths": tuple(paths)}


def _said(word: str, left: Iterator[str], found: dict[str, Any]) -> bool:
    """Note what an option says, in the same word or in the next; False where it is not plain."""
    option, equals, given = word.partition("=")
    given = given if equals else next(left, "-")
    if given.startswith("-"):
        return False
    if option in TEXTS:
        found[TEXTS[option]] = given
    elif option in NUMBERS and given.isascii() and given.isdigit() and len(given) <= _MOST_DIGITS:
        found[NUMBERS[option]] = int(given)
    elif option in WORDS and given in WORDS[option][1]:
        found[WORDS[option][0]] = given
    elif option in REPEATED and (not REPEATED[option][1] or given in REPEATED[option][1]):
        found[REPEATED[option][0]] += (given,)
    else:
        return False
    return True
