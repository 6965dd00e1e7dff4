"""What ``setup.py`` installs: the list itself, or one that has a name of its own."""

import pytest

from stopper.core.deployment.requirement_lines import pins_of
from stopper.core.fact import TextFile

LISTS = [
    'setup(\n    name="inn",\n    install_requires=["PyJWT==1.5.0", "flask>=3"],\n)',
    'NEEDS = [\n    "PyJWT==1.5.0",\n    "flask>=3",\n]\nTESTS = ["authlib==1.2.0"]\nsetup(install_requires=NEEDS, tests_require=TESTS)',
    'needs: list[str] = ["PyJWT==1.5.0", "flask>=3"]\nsetup(install_requires=needs)',
]


@pytest.mark.parametrize("said", LISTS)
def test_the_list_is_read_by_its_name(said: str) -> None:
    """What is installed for tests alone stands in another list, and is left out."""
    found = [(one.name, one.version) for one in pins_of(TextFile("setup.py", "requirements", tuple(said.split("\n"))))]
    assert found == [("pyjwt", "1.5.0"), ("flask", "3")]
