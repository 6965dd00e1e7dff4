"""The names that users import are these and no others, and they are light to look at."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import stopper
from stopper.core import errors

NAMES = {
    "Stopper", "Issuer", "Principal", "Secret", "current_principal", "public", "bearer", "api_key", "browser_session", "client_certificate",
    "scope", "role", "permission", "owner", "where", "fresh", "mfa", "acr", "tenant", "once", "any_of", "limit",
    "loads", "principal_optional", "accepts", "gives", "fields",
}  # fmt: skip


def _errors() -> set[str]:
    return {
        name
        for name, found in vars(errors).items()
        if isinstance(found, type) and issubclass(found, errors.StopperError)
    }


def test_the_public_names() -> None:
    assert set(stopper.__all__) == NAMES | _errors()


@pytest.mark.parametrize("name", sorted(stopper.__all__))
def test_each_is_there(name: str) -> None:
    assert getattr(stopper, name) is not None
    assert name in dir(stopper)


def test_what_is_not_there_says_so() -> None:
    with pytest.raises(AttributeError, match="what_is_not_there"):
        _ = stopper.what_is_not_there  # type: ignore[attr-defined]


def test_the_stub_says_the_same() -> None:
    source = Path(stopper.__file__).with_suffix(".pyi").read_text("utf-8")
    found = {
        alias.name: node.module
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(found) == set(stopper.__all__)
    assert {name: home for name, home in found.items() if home != "stopper.core.errors"} == stopper._HOMES


def test_looking_at_the_package_imports_no_library() -> None:
    script = "import sys, stopper; print([name for name in ('flask', 'sqlalchemy', 'cryptography', 'joserfc') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_the_guard_with_foreign_issuers_imports_no_database() -> None:
    script = "import sys; from stopper import Stopper, Issuer, bearer; print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"
