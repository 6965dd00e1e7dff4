"""The catalogue: two files that do not agree are refused with one line that says what to change."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import stopper.rules
from stopper.scan.catalogue import CatalogueError, load, read_page, survey

PAGE = """\
# Title

One sentence
over two lines.

More.

## Bad

```python
# file: app.py
from flask import Flask

app = Flask(__name__)
app.debug = True  # expect: a-slug, other-slug
# file: inner/part.py
x = 1  # expect: other-slug
```

## Good

```python
## not a heading
app = 1
```

## Fix

Turn it off.

<!-- identity: alice=Bearer abc -->

## Cases

### Bad: first

```python
y = 2  # expect: a-slug
```

### Good: second

```python
z = 3
```

## Known misses

- Much.
"""
MODULE = '''\
"""Somebody is harmed."""

from stopper.core.rule import Rule

RULE = Rule(
    slug="odd-thing", family="odd", title="t", harm="Somebody is harmed.", severity="low", check="ssrf", cwe=(1,), owasp="API1:2023",
    asvs=(), surfaces=("source",), ends="e", detect=lambda app: (),
)
'''


def test_every_part_of_a_page_is_read() -> None:
    page = read_page(PAGE, "a-slug")
    assert (page.title, page.summary, page.fix[:12], page.known_misses) == (
        "Title",
        "One sentence over two lines.",
        "Turn it off.",
        "- Much.",
    )
    assert [name for name, _ in page.bad.files] == ["app.py", "inner/part.py"]
    assert page.bad.marks("a-slug") == {("app.py", 4)}
    assert page.bad.marks("other-slug") == {("app.py", 4), ("inner/part.py", 1)}
    assert page.good.files == (("app.py", "## not a heading\napp = 1\n"),)
    assert [(case.kind, case.title) for case in page.cases] == [("bad", "first"), ("good", "second")]
    assert page.identities == ("alice=Bearer abc",)


def test_an_example_knows_its_line_of_the_page() -> None:
    page = read_page(PAGE, "a-slug")
    lines = PAGE.splitlines()
    assert lines[page.bad.line - 1] == "# file: app.py"
    assert [lines[case.line - 1] for case in page.cases] == ["y = 2  # expect: a-slug", "z = 3"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("# Title\n", "Title\n", "does not begin with a title"), ("## Fix", "## Repair", "has a section 'Repair'"), ("## Good", "### Good", "has no section '## Good'"),
        ("One sentence\nover two lines.\n\nMore.\n", "", "has no sentence"), ("### Bad: first", "### Maybe: first", "a case is"),
        ("y = 2  # expect: a-slug\n```\n", "y = 2  # expect: a-slug\n", "the block that begins there is not closed"),
        ("```python\nz", "```\nz", "say what the block holds"), ("```python\n## not a heading\napp = 1\n```", "", "has no code under 'Good'"),
    ],
)  # fmt: skip
def test_a_page_that_lacks_something_says_what(old: str, new: str, words: str) -> None:
    assert old in PAGE
    with pytest.raises(CatalogueError) as wrong:
        read_page(PAGE.replace(old, new), "a-slug")
    assert words in str(wrong.value)
    assert "\n" not in str(wrong.value)


@pytest.fixture
def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of the catalogue with one sound rule more."""
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "odd_thing.py").write_text(MODULE, encoding="utf-8")
    (folder / "odd_thing.md").write_text(PAGE, encoding="utf-8")
    monkeypatch.setattr(stopper.rules, "__path__", [*stopper.rules.__path__, str(tmp_path)])
    yield folder
    for name in [name for name in sys.modules if name.startswith("stopper.rules.odd")]:
        del sys.modules[name]


def test_two_files_in_a_folder_are_a_rule(family: Path) -> None:
    rules, problems = survey()
    assert problems == ()
    assert "odd-thing" in [rule.slug for rule in rules]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('slug="odd-thing"', 'slug="odd-things"', "the slug is the file's stem, 'odd-thing'"), ('family="odd"', 'family="even"', "lies in the folder 'odd'"),
        ('"""Somebody is harmed."""', '"""Nobody is."""', "harm is not the module's docstring line"), ("RULE = ", "RULES = ", "has no RULE"),
        ('severity="low"', 'severity="grave"', "unknown severity"), ('surfaces=("source",)', 'surfaces=("wsgi",)', "surfaces are"),
        ("from stopper.core.rule import Rule", "import nothing_of_the_kind", "does not import: ModuleNotFoundError"),
    ],
)  # fmt: skip
def test_a_module_that_does_not_agree_is_named_and_hides_no_other(family: Path, old: str, new: str, words: str) -> None:
    assert old in MODULE
    (family / "odd_thing.py").write_text(MODULE.replace(old, new), encoding="utf-8")
    rules, problems = survey()
    assert len(rules) >= 20
    (problem,) = problems
    assert words in str(problem)


def test_a_rule_without_a_page_is_named(family: Path) -> None:
    (family / "odd_thing.md").unlink()
    assert "has no page odd_thing.md" in str(survey()[1][0])


def test_the_catalogue_as_it_ships_is_sound() -> None:
    assert len(load()) >= 24
