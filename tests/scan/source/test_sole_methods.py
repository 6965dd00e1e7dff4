"""Calls on objects of unknown class, by the one method of the project that has the name."""

from tests.scan.source.made_programs import part_of_itself

ONE = "from flask import Flask\napp = Flask(__name__)\nclass Member:\n    def matches_password(self, value):\n        return value\n    def get(self, key):\n        return key\n"
USE = "def view(store):\n    member = store.read_first()\n    member.matches_password('x')\n    member.get('y')\n"


def callees(read, source: str) -> set[str]:
    return {call.callee.rpartition(".")[0] + "." + call.method for call in read(source).app.source.all_calls}


def test_a_name_that_one_class_alone_has_is_that_class(read):
    found = callees(read, ONE + USE)
    assert any(name.endswith(".Member.matches_password") for name in found)


def test_a_word_that_libraries_use_stays_unknown(read):
    assert not any(name.endswith(".Member.get") for name in callees(read, ONE + USE))


def test_a_name_that_two_classes_have_stays_unknown(read):
    found = callees(read, ONE + ONE.replace("Member", "Guest") + USE)
    assert "?.matches_password" in found


def test_an_object_that_is_made_of_the_call_of_its_own_method_holds_no_circle(read):
    source = (
        "from flask import Flask\napp = Flask(__name__)\nclass Note:\n    def __init__(self, text):\n        self.text = text\n    def titled(self):\n        print(self)\n        return self.text\n"
        "class Store:\n    def __init__(self, name):\n        self.name = name\n"
        "    def keep(self, note):\n        inner = Store(note.titled())\n        inner.keep(Note(f'{inner}'))\n"
    )
    calls = read(source).app.source.all_calls
    titled = next(one for one in calls if one.method == "titled")
    assert titled.callee.endswith(".Note.titled")
    assert part_of_itself(calls) is None
