"""Modules come out of one file only while its code is in the state that the file names."""

import marshal
import pickle
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

import pytest

from stopper.core.text_words import mentions
from stopper.scan import kept_modules
from stopper.scan.kept_modules import KeptModules, packed

NAME = "stopper.core.text_words"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    __import__(NAME)
    path = tmp_path / "modules.codes"
    path.write_bytes(packed([NAME, "stopper.core"], "now"))
    return path


@pytest.fixture
def kept(place: Path) -> Iterator[KeptModules]:
    found = KeptModules()
    found.open(place, "now")
    yield found
    found.close()


def test_a_module_is_made_of_the_code_that_its_source_gives(kept: KeptModules) -> None:
    spec = kept.find_spec(NAME)
    assert spec is not None
    made = module_from_spec(spec)
    kept.exec_module(made)
    before = sys.modules[NAME]
    assert made.__file__ == before.__file__
    assert made.mentions.__code__.co_code == before.mentions.__code__.co_code
    assert made.mentions is not before.mentions


def test_packages_are_left_to_others(kept: KeptModules) -> None:
    assert kept.find_spec("stopper.core") is None
    assert kept.find_spec("json") is None


def test_another_state_of_the_code_gives_nothing(place: Path) -> None:
    found = KeptModules()
    found.open(place, "later")
    assert not found
    assert found.find_spec(NAME) is None
    found.close()


def test_a_file_that_was_written_anew_meanwhile_gives_nothing(kept: KeptModules, place: Path) -> None:
    kept.close()
    place.write_bytes(packed([NAME], "later"))
    assert kept.find_spec(NAME) is None


@pytest.mark.parametrize(
    "planted", [b"", b"x" * 100, kept_modules._MAGIC + b"\xff" * 8, kept_modules._MAGIC + bytes(7) + b"\x02[]"]
)
def test_what_is_not_of_our_shape_is_not_taken(planted: bytes, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(planted)
    found = KeptModules()
    found.open(tmp_path / "other", "now")
    assert not found
    found.close()


def test_no_file_is_no_error(tmp_path: Path) -> None:
    found = KeptModules()
    found.open(tmp_path / "none", "now")
    assert not found


def test_a_file_that_ends_too_early_is_made_up_for_by_the_source(kept: KeptModules, place: Path) -> None:
    spec = kept.find_spec(NAME)
    assert spec is not None
    kept.close()
    whole = place.read_bytes()
    place.write_bytes(whole[:-200])
    found = KeptModules()
    found.open(place, "now")
    made = module_from_spec(spec)
    made.__dict__["__name__"] = NAME
    exec(found.get_code(NAME), made.__dict__)
    found.close()
    assert made.mentions.__code__.co_code == sys.modules[NAME].mentions.__code__.co_code


def test_the_file_names_no_place_of_the_machine(place: Path) -> None:
    """An installation that was copied to another place with all its dates takes its modules' files from there."""
    whole = place.read_bytes()
    begin = len(kept_modules._MAGIC) + 8
    _, _, members = marshal.loads(whole[begin : begin + int.from_bytes(whole[begin - 8 : begin], "big")])
    assert members[NAME][2] == "core/text_words.py"


def test_what_probes_are_made_of_runs_when_a_function_of_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "stopper.core.probing.of_a_test"
    source = tmp_path / "of_a_test.py"
    source.write_text("LIMIT = (3, 'x')\nKINDS = {}\ndef twice(number, *, more=0):\n    return number * 2 + more\n")
    real = ModuleType(name)
    real.__file__ = str(source)
    exec(compile(source.read_text(), source, "exec"), real.__dict__)
    monkeypatch.setitem(sys.modules, name, real)
    (tmp_path / "codes").write_bytes(packed([name], "now"))
    found = KeptModules()
    found.open(tmp_path / "codes", "now")

    def again() -> ModuleType:
        spec = found.find_spec(name)
        assert spec is not None
        return module_from_spec(spec)

    made = again()
    twice = made.twice
    assert made.LIMIT == (3, "x")
    assert "KINDS" not in made.__dict__
    assert not hasattr(made, "__path__")
    assert twice(2, more=1) == 5
    assert made.KINDS == {}
    assert twice.__name__ == "twice"
    assert type(made) is ModuleType
    made = again()
    assert made.KINDS == {}
    with pytest.raises(AttributeError):
        again().NOTHING  # noqa: B018
    found.close()


def test_what_probes_ask_lies_where_it_runs_later(tmp_path: Path) -> None:
    """A package that was given another name would silently run all of it in every check."""
    import_module("stopper.core.probing.baseline")
    (tmp_path / "codes").write_bytes(packed(["stopper.core.probing.baseline", NAME], "now"))
    found = KeptModules()
    found.open(tmp_path / "codes", "now")
    later, at_once = found.find_spec("stopper.core.probing.baseline"), found.find_spec(NAME)
    assert later is not None
    assert at_once is not None
    assert later.loader_state
    assert not at_once.loader_state
    found.close()


def test_what_a_module_needs_is_made_before_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "first_of_a_test": "from typing import TYPE_CHECKING\nfrom stopper.core.second_of_a_test import NAME\n"
        "if TYPE_CHECKING:\n    from stopper.core.third_of_a_test import OTHER\nSAID = NAME * 2\n",
        "second_of_a_test": "NAME = 'x'\n",
        "third_of_a_test": "OTHER = 1\n",
    }
    for short, text in texts.items():
        (tmp_path / f"{short}.py").write_text(text)
        real = ModuleType(f"stopper.core.{short}")
        real.__file__ = str(tmp_path / f"{short}.py")
        monkeypatch.setitem(sys.modules, real.__name__, real)
    names = [f"stopper.core.{short}" for short in texts]
    (tmp_path / "codes").write_bytes(packed(names, "now"))
    for name in names:
        monkeypatch.delitem(sys.modules, name)
    found = KeptModules()
    found.open(tmp_path / "codes", "now")
    spec = found.find_spec(names[0])
    assert spec is not None
    made = module_from_spec(spec)
    found.exec_module(made)
    found.close()
    assert made.SAID == "xx"
    assert names[1] in sys.modules
    assert names[2] not in sys.modules
    for name in names:
        sys.modules.pop(name, None)


def test_a_file_that_lacks_bytes_is_made_up_for_by_the_source(kept: KeptModules, place: Path) -> None:
    whole = place.read_bytes()
    begin = kept._begin
    kept.close()
    for missing in range(1, 60):
        place.write_bytes(whole[: begin + 16] + whole[begin + 16 + missing :])
        found = KeptModules()
        found.open(place, "now")
        code = found.get_code(NAME)
        found.close()
        assert code.co_name == "<module>"
    place.write_bytes(whole[:begin] + marshal.dumps([1]) + whole[begin:])
    found = KeptModules()
    found.open(place, "now")
    assert found.get_code(NAME).co_name == "<module>"
    found.close()


def test_modules_come_out_of_the_file_where_the_system_reads_from_no_place(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("os.pread")
    found = KeptModules()
    found.open(place, "now")
    assert found
    assert "mentions" in found.get_code(NAME).co_names
    found.close()


def test_a_function_that_runs_later_is_sent_by_its_name() -> None:
    """An audit sends its rules to a child; after a check in the same process their functions may be such ones."""
    later = kept_modules.LaterFunction(ModuleType("stopper.core.text_words"), "mentions")
    assert pickle.loads(pickle.dumps(later)) is mentions
