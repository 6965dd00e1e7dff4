"""A call of a function that runs the statement which it is given runs that statement itself."""

RUN = "import flask\nimport sqlite3\ndef run(statement, values=()):\n    with sqlite3.connect('a.db') as opened:\n        return opened.execute(statement, values).fetchall()\n"
ASKED = "def one(number):\n    return run('SELECT name FROM people WHERE id = ?', (number,))\ndef two():\n    return run('SELECT 1')\n"


def statements(read, source: str) -> list[tuple[str, str]]:
    calls = read(source).app.source.all_calls
    found = [call for call in calls if call.method == "execute" and call.function.rpartition(".")[2] != "run"]
    return sorted((call.function.rpartition(".")[2], str(getattr(call.args[0], "value", "?"))) for call in found)


def test_the_statement_stands_where_it_is_handed_over(read):
    assert statements(read, RUN + ASKED) == [("one", "SELECT name FROM people WHERE id = ?"), ("two", "SELECT 1")]


def test_also_by_way_of_another_function_and_of_a_text_of_sqlalchemy(read):
    source = "import flask\nfrom sqlalchemy import text\ndef run(statement, values):\n    return db.session.execute(text(statement), values)\n"
    source += "def rows(statement, values):\n    return list(run(statement, values))\n"
    source += "def one():\n    return rows('SELECT 1', {})\ndef two():\n    return run('SELECT 2', {})\n"
    assert {"SELECT 1", "SELECT 2"} <= {said for _, said in statements(read, source)}


def test_a_function_with_a_statement_of_its_own_hands_none_on(read):
    source = "import flask\ndef run(number, kind):\n    return db.execute('SELECT 1 WHERE id = ?', (number,))\n"
    source += "def one():\n    return run('x y', 1)\ndef two():\n    return run('z', 2)\n"
    assert statements(read, source) == []


def test_a_function_that_calls_itself_is_read_to_an_end(read):
    source = "import flask\ndef run(statement, again=True):\n    db.execute(statement)\n    return run(statement, False) if again else None\n"
    assert statements(read, source + "def one():\n    return run('SELECT 1')\n") == [("one", "SELECT 1")]
