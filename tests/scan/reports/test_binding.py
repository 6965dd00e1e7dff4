"""A statement that is put together is written with placeholders only where each part is a value, and the database is asked the same."""

import ast
import sqlite3

import pytest

from stopper.core.place import Span
from stopper.core.rule import Edit
from stopper.scan.reports.patch import patched

MADE = {
    "an f-string": (
        """run(f"SELECT a FROM t WHERE b = '{b}' AND c = {d['count']}")""",
        """run("SELECT a FROM t WHERE b = ? AND c = ?", (b, d['count']))""",
    ),
    "a pattern": (
        """run(f"SELECT a FROM t WHERE b LIKE '%{b}%'")""",
        """run("SELECT a FROM t WHERE b LIKE ?", (f"%{b}%",))""",
    ),
    "a pattern of an expression with quotes": (
        """run("SELECT a FROM t WHERE b LIKE '" + d["b"] + "%'")""",
        """run("SELECT a FROM t WHERE b LIKE ?", (str(d["b"]) + "%",))""",
    ),
    "percent": (
        """run("SELECT a FROM t WHERE b = '%s' AND c LIKE 'x%%'" % b)""",
        """run("SELECT a FROM t WHERE b = ? AND c LIKE 'x%'", (b,))""",
    ),
    "format": (
        """run("SELECT a FROM t WHERE b = '{}' AND c = {n}".format(b, n=int(c)))""",
        """run("SELECT a FROM t WHERE b = ? AND c = ?", (b, int(c)))""",
    ),
    "a list of values": (
        """run("INSERT INTO t (a, c) VALUES ('" + a + "', " + str(c) + ")")""",
        """run("INSERT INTO t (a, c) VALUES (?, ?)", (a, c))""",
    ),
    "texts beside each other": (
        """run("SELECT a FROM t " f"WHERE b = '{b}' " "LIMIT 3")""",
        """run("SELECT a FROM t WHERE b = ? LIMIT 3", (b,))""",
    ),
}
LEFT = {
    "what may be words of SQL": """run(f"SELECT a FROM t WHERE a = {b}")""",
    "one of two words": """run(f"INSERT INTO t (a, b) VALUES ('{a}', {'NULL' if b else 'CURRENT_DATE'})")""",
    "what was escaped for it": """run("SELECT a FROM t WHERE a = '" + b.replace("'", "''") + "'")""",
    "a statement that takes none": """run(f"PRAGMA user_version = {c}")""",
    "a tuple by its name": """run("SELECT a FROM t WHERE a = '%s'" % pair)""",
    "a table": """run(f"SELECT a FROM {b} WHERE a = 1")""",
    "a table in quotes": """run(f'SELECT a FROM "{b}" WHERE a = 1')""",
    "a column": """run(f"SELECT a FROM t ORDER BY {b}")""",
    "a value beside a column": """run(f"SELECT {c} FROM t WHERE a = '{b}'")""",
    "a whole list": """run(f"SELECT a FROM t WHERE a IN ({b})")""",
    "a whole list of values": """run(f"INSERT INTO t VALUES ({b})")""",
    "half of a number": """run(f"SELECT a FROM t WHERE a = {b}00")""",
    "a condition": """run(f"SELECT a FROM t WHERE a = 1 AND {b}")""",
    "a format of its own": """run(f"SELECT a FROM t WHERE a = {b:>4}")""",
    "a number by percent": """run("SELECT a FROM t WHERE a = %d" % b)""",
    "values that are passed already": """run(f"SELECT a FROM t WHERE a = '{b}' AND c = ?", (c,))""",
    "a sign that would be one more": """run(f"SELECT a FROM t WHERE a = '{b}' AND c = '?'")""",
    "a quote that never ends": """run(f"SELECT a FROM t WHERE a = '{b}")""",
    "too few": """run("SELECT a FROM t WHERE a = '%s' AND b = '%s'" % (b,))""",
    "a mapping": """run("SELECT a FROM t WHERE a = '%(b)s'" % {"b": b})""",
}


def bound(source: str, mark: str = "?") -> str:
    """*source* with the edit at its last call of ``run`` or ``text``."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    [call] = [one for one in calls if isinstance(one.func, ast.Name) and one.func.id in ("run", "text")]
    span = Span("app.py", call.lineno, call.end_lineno or 0, call.col_offset + 1, (call.end_col_offset or 0) + 1)
    return patched(source, [Edit(span, mark, safe=False, how="bound")])


@pytest.mark.parametrize("name", MADE)
def test_each_value_becomes_a_placeholder_and_the_database_gives_the_same(name: str) -> None:
    before, after = MADE[name]
    assert bound(before) == after
    assert asked(before) == asked(after)


@pytest.mark.parametrize("name", LEFT)
def test_where_one_part_is_no_value_nothing_is_edited(name: str) -> None:
    assert bound(LEFT[name]) == LEFT[name]


def test_a_statement_that_has_a_name_is_edited_where_it_is_made() -> None:
    before = "def f(b):\n    query = f\"SELECT a FROM t WHERE b = '{b}'\"\n    return run(query)\n"
    assert bound(before) == 'def f(b):\n    query = "SELECT a FROM t WHERE b = ?"\n    return run(query, (b,))\n'
    twice = before.replace("return run(query)", "log(query)\n    return run(query)")
    assert bound(twice) == twice


def test_drivers_that_write_percent_get_no_statement_with_other_percent_signs() -> None:
    before = """run(f"SELECT a FROM t WHERE b = '{b}' AND c LIKE 'x%'")"""
    assert bound(before, "%s") == before
    assert bound("""run(f"SELECT a FROM t WHERE b = '{b}'")""", "%s") == """run("SELECT a FROM t WHERE b = %s", (b,))"""


def test_a_name_that_the_statement_binds_already_and_words_of_python_are_not_bound_again() -> None:
    taken = """text(f"SELECT a FROM t WHERE b = '{b}' AND c = :b")"""
    assert bound(taken, ":") == taken
    made = bound("""text(f"SELECT a FROM t WHERE a = '{d['class']}' AND b = '{d['self']}'")""", ":")
    assert (
        made
        == """text("SELECT a FROM t WHERE a = :value AND b = :value2").bindparams(value=d['class'], value2=d['self'])"""
    )


@pytest.mark.parametrize("between", ["b = 'x'\n    ", "for b in d:\n        ", "if d:\n        ", "log()\n    "])
def test_a_statement_whose_values_may_be_others_by_then_is_left(between: str) -> None:
    before = f'def f(b):\n    q = "SELECT a FROM t WHERE a = \'" + b + "\'"\n    {between}run(q)\n'
    assert bound(before) == before


def test_statements_of_many_parts_end_no_run() -> None:
    long = 'run("SELECT a FROM t WHERE a = \'" + ' + " + ".join(["b"] * 900) + ' + "\'")'
    assert bound(long) == long
    wide = 'run(f"INSERT INTO t VALUES (' + ", ".join(["'{b}'"] * 1200) + ')")'
    assert bound(wide) == wide


def test_values_of_a_text_clause_have_names() -> None:
    before = """text(f"SELECT a FROM t WHERE b = '{d['b']}' AND c = '{b}'")"""
    assert bound(before, ":") == """text("SELECT a FROM t WHERE b = :b AND c = :b2").bindparams(b=d['b'], b2=b)"""


def test_a_statement_over_several_lines_keeps_them() -> None:
    before = 'run(f"""\n    SELECT a\n      FROM t\n     WHERE b = \'{b}\'\n""")'
    assert bound(before) == 'run("""\n    SELECT a\n      FROM t\n     WHERE b = ?\n""", (b,))'


def asked(source: str) -> list[object]:
    """What a small database has after the call, and what it answers to it."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE t (a TEXT, b TEXT, c INTEGER)")
    database.executemany("INSERT INTO t VALUES (?, ?, ?)", [("x", "it", 7), ("y", "bitten", 7), ("z", "other", 8)])
    known = {"run": database.execute, "a": "new", "b": "it", "c": 7, "d": {"b": "bit", "count": 7}}
    found = eval(source, known).fetchall()
    return [found, database.execute("SELECT a, b, c FROM t").fetchall()]
