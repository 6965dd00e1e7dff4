"""What patterns compile to is kept in a file; whatever is wrong with the file, the pattern is the same."""

import re

import pytest

from stopper.core import kept_patterns
from stopper.core.kept_patterns import compiled, keep_in, packed

PATTERNS = (
    (r"(?P<word>a+)b|(c)", 0),
    (r"^key\s*=\s*(.*)$", int(re.MULTILINE | re.IGNORECASE)),
    (rb"\xff(?:eyJ|AKIA)[\w-]{4,}", 0),
    (r"(?i)ſtraße|[^\W\d]{2,5}?", 0),
)
TEXTS = ("aab c", "x\nKEY = value\n", "Straße STRASSE", "")


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    monkeypatch.setattr(kept_patterns, "_kept", kept_patterns._Kept())


@pytest.fixture
def kept(tmp_path):
    path = tmp_path / "patterns.codes"
    path.write_bytes(packed([*PATTERNS, ("(", 0)]))
    return path


def same(pattern, flags):
    """That what is compiled is what ``re`` compiles."""
    one, other = compiled(pattern, flags), re.compile(pattern, flags)
    assert (one.pattern, one.flags, one.groups, dict(one.groupindex)) == (
        other.pattern,
        other.flags,
        other.groups,
        dict(other.groupindex),
    )
    for text in TEXTS if isinstance(pattern, str) else (b"\xffAKIA1234", b""):
        found = [match.groups() + match.span() for match in one.finditer(text)]
        assert found == [match.groups() + match.span() for match in other.finditer(text)]
        assert [match.groupdict() for match in one.finditer(text)] == [
            match.groupdict() for match in other.finditer(text)
        ]


@pytest.mark.parametrize(("pattern", "flags"), PATTERNS)
def test_a_kept_pattern_is_the_one_that_re_compiles(kept, monkeypatch, pattern, flags):
    keep_in(kept)
    with monkeypatch.context() as watched:
        watched.setattr(kept_patterns, "_compile", None)  # nothing is compiled anew
        assert compiled(pattern, flags).pattern == pattern
    same(pattern, flags)


def test_a_pattern_that_is_not_kept_is_compiled(kept):
    keep_in(kept)
    same(r"other", 0)
    with pytest.raises(re.error):
        compiled("(", 0)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]\n", b'{"made_by": ["another Python", 1, "little"], "patterns": [["a", false]]}\n\0\0']
)
def test_a_file_of_another_form_or_another_python_gives_nothing(tmp_path, data):
    path = tmp_path / "patterns.codes"
    path.write_bytes(data)
    keep_in(path)
    same(*PATTERNS[0])


def test_a_file_that_is_missing_or_was_cut_off_gives_nothing(kept, tmp_path):
    keep_in(tmp_path / "none")
    same(*PATTERNS[0])
    kept.write_bytes(kept.read_bytes()[:-40])
    keep_in(kept)
    for pattern, flags in PATTERNS:
        same(pattern, flags)
