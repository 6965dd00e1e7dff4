"""Functions that call each other in circles are read in a bounded number of steps, and what is plain beside them is still seen."""

import itertools
from typing import Any

import pytest

from stopper.core.facts import source_of
from stopper.core.flow.label_bindings import MANY, Crowd

ASKED = 20
LEVELS = 100
"""Steps of each further question, for each call of a function."""


def circle(number: int, calls: int) -> str:
    """So many functions, each of which gives what *calls* others give, with two ways out."""
    made = [
        f"def f{one}(x):\n    try:\n        return {' or '.join(f'f{(one + step) % number}(x)' for step in steps)}\n"
        f"    except ValueError:\n        return None\n    except Exception:\n        return f{(one + 31) % number}(x)\n"
        for one in range(number)
        for steps in [itertools.islice(itertools.count(1, 3), calls)]
    ]
    return "\n".join(made)


@pytest.mark.parametrize(("number", "calls"), [(24, 8), (150, 2), (150, 50)])
def test_functions_in_a_circle_take_steps_by_their_number_and_not_by_their_ways(
    read: Any, number: int, calls: int
) -> None:
    """Each question about them would go all ways through all of them: eight calls in each of 24 are two million already."""
    text = f"import logging\nfrom flask import Flask, request\napp = Flask(__name__)\n{circle(number, calls)}\n\n"
    text += '@app.get("/x")\ndef x():\n    logging.info(f0(request.args["q"]))\n    logging.info(request.args["plain"])\n    return ""\n'
    facts = source_of(read(text).app)
    last = [value for call in facts.calls("logging.info") for value in call.args]
    labels = [facts.labels(value) for value in last]
    for call in itertools.islice(facts.calls("app.f1", "app.f2", "app.f5"), ASKED):
        facts.labels(call)
    crowd = facts.once("crowded labels", Crowd)
    assert crowd.met
    assert crowd.steps < 2 * MANY + ASKED * LEVELS * (10 + calls)
    assert any(one.kind == "request-data" for one in labels[1])


def test_a_chain_that_comes_to_an_end_is_followed_whole(read: Any) -> None:
    made = "\n".join(f"def f{one}(x):\n    return f{one + 1}(x)\n" for one in range(6))
    text = (
        f"from flask import Flask, request\napp = Flask(__name__)\n{made}\ndef f6(x):\n    return x\n\n"
        '@app.get("/x")\ndef x():\n    return f0(request.args["q"])\n'
    )
    facts = source_of(read(text).app)
    (call,) = [one for one in facts.calls("app.f0") if one.function == "app.x"]
    assert any(one.kind == "request-data" for one in facts.labels(call))
    assert not facts.once("crowded labels", Crowd).met
