"""What a function fills for its own answer is no change of data; what a module holds is, in the same words."""

from typing import Any

import pytest

from stopper.core.changing_calls import writes
from stopper.core.facts import source_of

HEAD = "from flask import Flask\nfrom collections import defaultdict\nfrom songs import songs_of\napp = Flask(__name__)\n{}\n\n@app.post('/<year>')\ndef view(year):\n    {}\n    for song in songs_of(year):\n        {}\n    return found\n"


@pytest.mark.parametrize("makes", ["found = defaultdict(list)", "found = {}", "found = dict()"])
@pytest.mark.parametrize("fills", ["found.setdefault(song.year, []).append(song)", "found.update(song)"])
def test_what_a_function_makes_is_its_own(makes: str, fills: str, read: Any) -> None:
    assert not _changes(read, "", makes, fills)
    assert _changes(read, makes, "pass", fills)


@pytest.mark.parametrize(
    ("makes", "fills", "changes"),
    [
        ("found = defaultdict(list)", "found[song.year].append(song)", False),
        ("found = list(songs_of('all'))", "found[0].update(song)", True),
        ("found = songs_of('all')", "found.setdefault(song.year, []).append(song)", True),
        ("found = dict()", "found.setdefault(song.year, song).append(year)", True),
    ],
)
def test_what_is_in_it_is_its_own_where_it_was_made_there(makes: str, fills: str, *, changes: bool, read: Any) -> None:
    assert _changes(read, "", makes, fills) is changes


def _changes(read: Any, before: str, makes: str, fills: str) -> bool:
    return writes(source_of(read(HEAD.format(before, makes, fills)).app), "app.view")
