"""Clients of databases whose statements go through methods of other names than ``execute``: BigQuery, Neo4j, DuckDB, records, Pony,
DynamoDB."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from stopper.core.flow.passed_keywords import passed_as
from stopper.core.values import Call, Format, Unknown, Value, text_of, walk

if TYPE_CHECKING:
    from stopper.core.facts import SourceFacts

_HOMES: Final = (
    "google.cloud", "records", "dataset", "duckdb", "neo4j", "py2neo", "pony.orm", "clickhouse_connect", "influxdb_client", "influxdb", "sqlmodel", "pg8000",
)  # fmt: skip
_CLIENTS: Final = re.compile(
    r"google\.cloud\.bigquery\.Client|records\.Database|dataset\.connect|duckdb\.connect|neo4j\.(?:Async)?GraphDatabase\.driver|py2neo\.Graph|sqlmodel\.Session"
    r"|pg8000\.(?:native\.)?(?:Connection|connect)|pony\.orm\.(?:core\.)?Database|clickhouse_connect\.get_client|influxdb\w*\.\w*Client"
)
_METHODS: Final = ("query", "run", "sql", "select", "exec", "execute_query", "command")


_OF_DYNAMO: Final = (
    "FilterExpression",
    "KeyConditionExpression",
    "ConditionExpression",
    "UpdateExpression",
    "Statement",
)


def asked_of_clients(facts: "SourceFacts") -> "Iterator[tuple[Call, Value]]":
    """Each statement that is put together for such a client: ``session.run("MATCH (n {name: '" + name + "'}) RETURN n")``, and
    ``table.scan(FilterExpression="mail = " + mail)``."""
    yield from (
        (call, text)
        for call, _, text in passed_as(facts, _OF_DYNAMO.__contains__)
        if isinstance(text, (Format, Unknown)) and _speaks_to_dynamo(facts, call)
    )
    if not facts.imports(*_HOMES):
        return
    named = facts.calls_matching(rf"(?:{_CLIENTS.pattern})\.(?:{'|'.join(_METHODS)})")
    held = (call for call in facts.calls(*(f"?.{word}" for word in _METHODS)) if _is_of_client(call.receiver))
    for call in (*named, *held):
        text = call.argument(0, "query", "sql", "statement")
        if isinstance(text, (Format, Unknown)):
            yield call, text


def _speaks_to_dynamo(facts: "SourceFacts", call: Call) -> bool:
    """That the project has Amazon's library, or says whom it asks: ``SESSION.client("dynamodb").scan(…)``."""
    if facts.imports("boto3", "botocore", "aioboto3", "aiobotocore"):
        return True
    return call.receiver is not None and any(text_of(part) == "dynamodb" for part in walk(call.receiver, 4))


def _is_of_client(made: Value | None) -> bool:
    """That it is such a client, or what one gives: a session, a transaction."""
    for _ in range(4):
        if not isinstance(made, Call):
            return False
        if _CLIENTS.fullmatch(made.callee):
            return True
        made = made.receiver
    return False
