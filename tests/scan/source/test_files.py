"""Which files are read: a key in a file that is about nothing else is found all the same."""

import pytest

from stopper.core.facts import source_of
from stopper.scan.source.files import imports_tests

APP = "from flask import Flask\napp = Flask(__name__)\n"
TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI0MiIsInJvbGUiOiJhZG1pbiJ9.4Qb7m8xkqK0r8sF1hJQWgN2m3ZyVtUOe"


@pytest.mark.parametrize("text", [f"H = 'Bearer {TOKEN}'\n", f"T = {TOKEN!r}\n", "K = 'AKIA1234567890ABCDEF'\n"])
def test_a_file_of_another_folder_that_bears_a_key_is_read(read, text):
    facts = source_of(read({"app.py": APP, "scripts/smoke.py": text}).app)
    assert any(one.span.path == "scripts/smoke.py" for one in facts.assignments())


def test_a_file_of_another_folder_without_a_key_is_not_read(read):
    facts = source_of(read({"app.py": APP, "scripts/smoke.py": "H = 'Bearer <token>'\n"}).app)
    assert not any(one.span.path == "scripts/smoke.py" for one in facts.assignments())


def test_a_program_that_starts_the_application_is_read_though_it_does_not_say_flask(read):
    facts = source_of(read({"shop/__init__.py": APP, "run.py": "from shop import app\n\napp.run(debug=True)\n"}).app)
    assert [one.span.path for one in facts.calls("flask.Flask.run")] == ["run.py"]


@pytest.mark.parametrize(
    ("text", "is_test"),
    [
        ("class Experiment:\n    def test_variant(self, name):\n        return name\n", False),
        ("class ShopTestCase(Base):\n    def test_variant(self):\n        pass\n", True),
        ("import pytest\n", True),
    ],
)
def test_a_method_called_test_makes_no_test_code_of_a_module_that_is_about_testing(text: str, is_test: bool) -> None:
    assert imports_tests("shop/ab_testing.py", text.encode()) is is_test
