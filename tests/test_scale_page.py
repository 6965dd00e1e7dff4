"""docs/scale.md says what the simulation says, and the simulation counts the statements that the code sends."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import event
from tests.servers.fixtures import cluster, postgres_store
from tests.servers.issuing import issuing

from stopper.store import Store

__all__ = ["cluster", "postgres_store"]
ROOT = Path(__file__).parents[1]
UNITS = {"million": 1_000_000}


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scale_sim", ROOT / "bench" / "scale_sim.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def _number(text: str) -> float:
    found = re.search(r"([\d,.]+)(?: (million))?", text)
    assert found, text
    return float(found[1].replace(",", "")) * UNITS.get(found[2] or "", 1)


@pytest.mark.parametrize(("column", "people", "rate"), [(1, 1_000_000, 10_000), (2, 100_000_000, 1_000_000)])
def test_the_table_of_the_page_is_what_the_simulation_says(
    simulation: ModuleType, column: int, people: int, rate: int
) -> None:
    told = {line[:54].strip(): line[54:].strip() for line in simulation.report(people, rate, simulation.Habits())}
    page = (ROOT / "docs" / "scale.md").read_text("utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page.split("On paper")[1].splitlines()
        if line.startswith("| ")
    ]
    named = {row[0]: row[column] for row in rows[1:] if not row[0].startswith("---")}
    pairs = {
        "nodes of 8 cores": "nodes",
        "refreshes a second": "refreshes a second",
        "log-ins a second": "log-ins a second",
        "log-outs a second": "log-outs a second",
        "SQL statements a second of writers": "SQL statements a second, writers",
        "reads a second by nodes that follow the journal": "SQL reads a second by nodes that follow the journal",
        "journal rows sent to all nodes a second": "journal rows sent a second, all nodes",
        "revocations alive": "revocations alive",
        "memory of them in a process": "memory of them, one process",
        "token rows a day": "token rows a day",
    }
    assert set(named) == set(pairs)
    for said, simulated in pairs.items():
        assert _number(named[said]) == pytest.approx(_number(told[simulated]), rel=0.03, abs=0.6), said


def test_the_statements_of_the_simulation_are_those_of_the_code(simulation: ModuleType, postgres_store: Store) -> None:
    import json

    made = issuing(postgres_store)
    sent: list[str] = []
    event.listen(postgres_store.database.engine, "before_cursor_execute", lambda *args: sent.append(args[2]))

    def count(work: object) -> tuple[object, int]:
        sent.clear()
        done = work()  # type: ignore[operator]
        return done, len(sent)

    def log_in() -> bytes:
        account = postgres_store.accounts.by_email("ann@example.com")
        assert account is not None
        return made.refresh.open(account, client_id="web")

    answer, login = count(log_in)
    token = json.loads(answer)["refresh_token"]  # type: ignore[arg-type]
    answer, refresh = count(lambda: made.refresh.refresh(token, client_id="web"))
    family = made.refresh.families("ann")[0].id
    _, logout = count(lambda: (made.refresh.end(family), made.revocations.refresh()))
    assert (login, refresh, logout) == (
        simulation.LOGIN_STATEMENTS,
        simulation.REFRESH_STATEMENTS,
        simulation.LOGOUT_STATEMENTS,
    )
