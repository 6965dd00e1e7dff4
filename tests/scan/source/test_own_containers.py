"""What a function fills for its own answer is no change of data; what a module holds is, in the same words."""

from typing import Any

import pytest

from stopper.core.facts import source_of
from stopper.core.flow.changing_calls import writes

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


ROWS = "import json\nfrom flask import Flask\nfrom flask_caching import Cache\nfrom pydantic import BaseModel\napp = Flask(__name__)\ncache = Cache(app)\nSONGS = {{'a': {{'id': 1, 'note': 'x'}}}}\n\nclass Album(BaseModel):\n    songs: list = []\n\ndef looked_up(year, db):\n    return db.execute('select * from songs').mappings().all()\n\ndef kept(year):\n    return SONGS[year]\n\n@app.post('/<year>')\ndef view(year, db):\n    {}\n"


@pytest.mark.parametrize(
    ("does", "changes"),
    [
        ("[row.pop('id', None) for row in looked_up(year, db)]", False),
        ("[row.pop('id', None) for row in [kept(year)]]", True),
        ("kept(year).pop('note')", True),
        ("[row.update({'name': year}) for row in looked_up(year, db)]", False),
        ("[row.update({'name': year}) for row in SONGS.values()]", True),
        ("cache.get(year) or cache.set(year, looked_up(year, db))", False),
        ("cache.set(year, looked_up(year, db))", True),
        ("cache.get('all') or cache.set(year, looked_up(year, db))", True),
        ("album = Album(); album.songs.append(year)", False),
    ],
)
def test_what_ends_with_the_request_is_no_change(does: str, *, changes: bool, read: Any) -> None:
    assert writes(source_of(read(ROWS.format(does)).app), "app.view") is changes


BUILDER = "from flask import Flask\napp = Flask(__name__)\nNODES = []\n\n@app.post('/<name>')\ndef view(name):\n    seen = []\n    def create_node(one):\n        {}\n        return one\n    return create_node(name)\n"


@pytest.mark.parametrize(
    ("does", "changes"), [("seen.append(one)", False), ("NODES.append(one)", True), ("db.session.add(one)", True)]
)
def test_a_function_inside_is_judged_by_what_it_does(does: str, *, changes: bool, read: Any) -> None:
    assert writes(source_of(read(BUILDER.format(does)).app), "app.view") is changes


def _changes(read: Any, before: str, makes: str, fills: str) -> bool:
    return writes(source_of(read(HEAD.format(before, makes, fills)).app), "app.view")
