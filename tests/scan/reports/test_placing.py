"""Edits that need the tree: another function for a call, a line beside a statement, several places or none."""

import ast

import pytest

from stopper.core.place import Span
from stopper.core.rule import Edit, How
from stopper.scan.reports.patch import patched


def at(line: int, column: int, end_column: int) -> Span:
    return Span("app.py", line, line, column, end_column)


def edit(span: Span, text: str, how: How, *also: Edit, imports: tuple[str, ...] = ()) -> Edit:
    return Edit(span, text, False, imports, how=how, also=also)


def test_a_call_gets_another_function_behind_characters_of_several_bytes_and_keeps_what_it_is_passed() -> None:
    made = patched("a = 'é' + r.choice('ü')  # é\n", [edit(at(1, 11, 24), "secrets.choice", "function")])
    assert made == "a = 'é' + secrets.choice('ü')  # é\n"


def test_a_call_gets_another_function_and_an_argument_at_once() -> None:
    passed = Edit(at(1, 1, 5), "", False, arguments=(("x", "2"),))
    assert patched("f(1)\n", [edit(at(1, 1, 5), "g", "function"), passed]) == "g(1, x=2)\n"


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_line_keeps_the_indent_the_comment_and_the_line_ends(ending: str) -> None:
    text = ending.join(["def f():", "\ta = g(", "\t\t1)  # why", "\treturn a"])
    first, last = edit(at(2, 6, 7), "b = 1", "line-before"), edit(at(2, 6, 7), "c = 2", "line-after")
    wanted = ["def f():", "\tb = 1", "\ta = g(", "\t\t1)  # why", "\tc = 2", "\treturn a"]
    assert patched(text, [first, last]) == ending.join(wanted)


def test_a_line_after_the_last_one_without_line_end() -> None:
    assert patched("a = 1", [edit(at(1, 1, 6), "b = 2", "line-after")]) == "a = 1\nb = 2"


@pytest.mark.parametrize("text", ["if x: a()\n", "b(); a()\n", "if y:\n    pass\nelif a():\n    pass\n"])
def test_a_statement_that_has_no_line_for_itself_is_left_alone(text: str) -> None:
    line = text[: text.index("a()")].count("\n") + 1
    column = text.splitlines()[line - 1].index("a()") + 1
    span = at(line, column, column + 3)
    assert patched(text, [edit(span, "c()", "line-before"), edit(span, "c()", "line-after")]) == text


def test_a_line_after_the_head_of_a_block_is_left_alone() -> None:
    assert patched("with a():\n    b()\n", [edit(at(1, 6, 9), "c()", "line-after")]) == "with a():\n    b()\n"


def test_edits_that_go_together_are_made_together_or_not_at_all() -> None:
    inside = edit(at(1, 12, 15), "'fixed'", "replace", edit(at(1, 7, 11), "log()", "line-before"))
    assert patched("if x: send(str(e))\n", [inside]) == "if x: send(str(e))\n"
    two = edit(at(1, 1, 2), "x", "replace", edit(at(1, 5, 6), "y", "replace"))
    assert patched("a + b\n", [two]) == "x + y\n"
    assert patched("a + b\n", [edit(at(1, 1, 2), "c", "replace"), two]) == "c + b\n"


def test_a_decorator_of_several_lines_moves_below_the_others_with_its_comment() -> None:
    text = "class A:\n    @need(\n        1)  # why\n    @route('/')\n    @other\n    def f(self): ...\n"
    wanted = "class A:\n    @route('/')\n    @other\n    @need(\n        1)  # why\n    def f(self): ...\n"
    span = Span("app.py", 2, 3, 6, 11)
    assert patched(text, [edit(span, "", "below")]) == wanted
    assert patched(wanted, [edit(Span("app.py", 4, 5, 6, 11), "", "below")]) == wanted


@pytest.mark.parametrize("head", ["from time import time", "import datetime as time", "def time(): ...", "time = 3"])
def test_a_module_whose_name_means_something_else_there_is_not_used(head: str) -> None:
    text = f"{head}\nx = 1\n"
    assert patched(text, [edit(at(2, 5, 6), "time.time()", "replace", imports=("time",))]) == text


def test_an_argument_without_a_name_is_replaced_and_never_added() -> None:
    masked = Edit(at(1, 1, 20), "", False, arguments=(("1", '"***"'), ("3", '"***"')))
    assert patched('log("é %s", tok, n=1)\n', [Edit(at(1, 1, 22), "", False, arguments=masked.arguments)]) == (
        'log("é %s", "***", n=1)\n'
    )
    assert patched("log(*a, tok)\n", [Edit(at(1, 1, 13), "", False, arguments=(("0", "b"), ("1", "b")))]) == (
        "log(*a, tok)\n"
    )


def test_what_the_tree_misplaces_in_an_f_string_is_left_alone() -> None:
    text = 'x = f"""\n{a.b(1)}\n{a.b(1)}"""\n'
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            span = Span(
                "app.py", node.lineno, node.end_lineno or 0, node.col_offset + 1, (node.end_col_offset or 0) + 1
            )
            made = patched(text, [edit(span, "c.d", "function")])
            assert made in (text, text.replace("a.b", "c.d", 1), "c.d".join(text.rsplit("a.b", 1)))


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ('f"<b>{a} é {b()}</b>"', 'f"<b>{markupsafe.escape(a)} é {markupsafe.escape(b())}</b>"'),
        ('"<b>%s</b> %s" % (a, escape(b))', '"<b>%s</b> %s" % (markupsafe.escape(a), escape(b))'),
        ('"<b>{}</b>{x}".format(a, x=1)', '"<b>{}</b>{x}".format(markupsafe.escape(a), x=1)'),
        ('"<b>" + a + "</b>"', '"<b>" + str(markupsafe.escape(a)) + "</b>"'),
    ],
)
def test_what_is_put_into_markup_is_escaped(page: str, wanted: str) -> None:
    text = f"import markupsafe\npage = {page}\n"
    span = at(2, 1, len(page) + 8)
    made = patched(text, [edit(span, "", "escaped", imports=("markupsafe",))])
    assert made == f"import markupsafe\npage = {wanted}\n"
    assert patched(made, [edit(at(2, 1, len(wanted) + 8), "", "escaped", imports=("markupsafe",))]) == made


@pytest.mark.parametrize(
    "page",
    ['"<b>%d</b>" % a', '"<b>{:>9}</b>".format(a)', 'f"<b>{a!r}</b>"', '"<b>%(a)s" % {"a": a}', 'f"{a} and {b}"', '"<p>" + f"<b>{a}</b>" + b'],
)  # fmt: skip
def test_markup_that_escaping_would_break_is_left_alone(page: str) -> None:
    text = f"page = {page}\n"
    assert patched(text, [edit(at(1, 1, len(page) + 8), "", "escaped", imports=("markupsafe",))]) == text


@pytest.mark.parametrize(
    ("text", "at_text", "name", "wanted"),
    [
        ("k = h.get('K') or a.get('k')\n", "a.get('k')", "", "k = h.get('K')\n"),
        ("k = a.get('k') or h.get('K')\n", "a.get('k')", "", "k = h.get('K')\n"),
        ("k = (h.get('é') or\n     a.get('k') or '')\n", "a.get('k')", "", "k = (h.get('é') or '')\n"),
        ("k = h.get('K', a.get('k'))\n", "a.get('k')", "", "k = h.get('K')\n"),
        ("k = h.get('K') or a.get('k', '')\n", "a.get('k', '')", "", "k = h.get('K') or ''\n"),
        ("k = (h.get('K')) or (a.get('k'))\n", "a.get('k')", "", "k = (h.get('K'))\n"),
        ("f({'a': 1, 'b': g(2), 'c': 3})\n", "{'a': 1, 'b': g(2), 'c': 3}", "b", "f({'a': 1, 'c': 3})\n"),
        ("f({'b': 2, 'c': 3})\n", "{'b': 2, 'c': 3}", "b", "f({'c': 3})\n"),
        ("f({\n    'a': 1,\n    'b': 2,\n})\n", "{\n    'a': 1,\n    'b': 2,\n}", "b", "f({\n    'a': 1,\n})\n"),
        ("dict(a=1, b=2)\n", "dict(a=1, b=2)", "b", "dict(a=1)\n"),
        ("f({'b': 2})\n", "{'b': 2}", "b", "f({})\n"),
        ("f(\n    b=2,\n)\n", "f(\n    b=2,\n)", "b", "f(\n    \n)\n"),
        ("dict(x, b=2, **more)\n", "dict(x, b=2, **more)", "b", "dict(x, **more)\n"),
        ("e(f'bad {token!r} of {who}')\n", "f'bad {token!r} of {who}'", "1/4", "e(f'bad *** of {who}')\n"),
    ],
)
def test_what_is_left_out_takes_its_comma_or_its_braces_along(text: str, at_text: str, name: str, wanted: str) -> None:
    assert patched(text, [edit(_where(text, at_text), name, "left-out")]) == wanted


@pytest.mark.parametrize(
    ("text", "at_text", "name"),
    [
        ("k = h.get('K') or (a.get('k'))\n", "a.get('k')", ""),
        ("k = a.get('k')\n", "a.get('k')", ""),
        ("k = h.get('K') and a.get('k')\n", "a.get('k')", ""),
        ("f({'b': 2, **more})\n", "{'b': 2, **more}", "b"),
        ("f({'b': 2, 'b': 3})\n", "{'b': 2, 'b': 3}", "b"),
        ("e(f'bad {token:{width}}')\n", "f'bad {token:{width}}'", "1/2"),
        ("e(f'bad {token!s:<{9}}')\n", "f'bad {token!s:<{9}}'", "1/2"),
        ("e(f'bad {token}')\n", "f'bad {token}'", "0/2"),
        ("e(f'bad {token}')\n", "f'bad {token}'", "1/4"),
    ],
)
def test_what_cannot_be_left_out_stays(text: str, at_text: str, name: str) -> None:
    assert patched(text, [edit(_where(text, at_text), name, "left-out")]) == text


def _where(text: str, part: str) -> Span:
    begin = text.index(part)
    line, last = text.count("\n", 0, begin) + 1, text.count("\n", 0, begin + len(part)) + 1
    column = begin - (text.rfind("\n", 0, begin) + 1) + 1
    end = begin + len(part)
    return Span("app.py", line, last, column, end - (text.rfind("\n", 0, end) + 1) + 1)


def test_two_members_side_by_side_that_want_one_comma_are_left_to_a_person() -> None:
    text = "f({'a': 1, 'b': 2})\n"
    span = _where(text, "{'a': 1, 'b': 2}")
    assert patched(text, [edit(span, "a", "left-out", edit(span, "b", "left-out"))]) == text
    text = "f({'x': 0, 'a': 1, 'b': 2})\n"
    span = _where(text, "{'x': 0, 'a': 1, 'b': 2}")
    assert patched(text, [edit(span, "a", "left-out", edit(span, "b", "left-out"))]) == "f({'x': 0})\n"


def test_a_method_gets_another_name_and_keeps_what_it_belongs_to() -> None:
    text = "@shop.é.errorhandler(\n    404)\ndef f(e): pass\n"
    assert patched(
        text, [edit(_where(text, "shop.é.errorhandler(\n    404)"), "app_errorhandler", "method")]
    ) == text.replace("errorhandler", "app_errorhandler")


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_lines_at_the_beginning_of_a_function_stand_below_its_docstring(ending: str) -> None:
    text = ending.join(["@app.errorhandler(Exception)", "def f(", "    e,", "):", '    """Why."""', "    return 1", ""])
    made = patched(text, [edit(at(2, 1, 7), "if e:\n    return e", "inside")])
    assert made == text.replace("    return 1", f"    if e:{ending}        return e{ending}    return 1")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "def f(e):\n    @g\n    def h(): pass\n",
            "def f(e):\n    if e:\n        return e\n    @g\n    def h(): pass\n",
        ),
        ("def f(e):\n\treturn 1\n", "def f(e):\n\tif e:\n\t\treturn e\n\treturn 1\n"),
    ],
)
def test_lines_at_the_beginning_stand_above_decorators_and_are_indented_as_the_others(text: str, wanted: str) -> None:
    assert patched(text, [edit(at(1, 1, 7), "if e:\n    return e", "inside")]) == wanted


@pytest.mark.parametrize(
    "text", ["def f(e): return 1\n", "def f(e): \\\n    return 1\n", 'def f(e):\n    """Why."""\n']
)
def test_a_function_without_a_line_for_it_is_left_alone(text: str) -> None:
    assert patched(text, [edit(at(1, 1, 7), "a()", "inside")]) == text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("if a == b.c[0]: pass\n", "if f(a, b.c[0]): pass\n"),
        ("if (a or 'é') != b():\n    pass\n", "if f((a or 'é'), b()):\n    pass\n"),
        ("x = a in {1: 2}\n", "x = f(a, ({1: 2}))\n"),
        ("x = a == b == c\n", "x = a == b == c\n"),
    ],
)
def test_the_sides_of_a_comparison_stand_in_brackets_where_they_need_them(text: str, wanted: str) -> None:
    node = next(one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.Compare))
    assert (
        patched(text, [edit(_where(text, ast.get_source_segment(text, node) or ""), "f({0}, {1})", "operands")])
        == wanted
    )


LOOP = "any(f({0}, one) for one in {1})"


@pytest.mark.parametrize(
    ("left", "wanted"),
    [
        ("key", "any(f(key, one) for one in KEYS)"),
        ("one", "one in KEYS"),
        ("h[one]", "h[one] in KEYS"),
        ("(key := h())", "(key := h()) in KEYS"),
        ("(await h())", "(await h()) in KEYS"),
    ],
)
def test_what_a_loop_would_read_otherwise_or_do_for_each_is_left_to_a_person(left: str, wanted: str) -> None:
    text = f"async def g():\n    return {left} in KEYS\n"
    made = patched(text, [edit(_where(text, f"{left} in KEYS"), LOOP, "operands")])
    assert made == f"async def g():\n    return {wanted}\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("f(a=1, *more)\n", "f(*more)\n"),
        ("f(b=2, *more, a=1)\n", "f(b=2, *more)\n"),
        ("f(a=(b := 1), c=b)\n", "f(a=(b := 1), c=b)\n"),
    ],
)
def test_what_is_passed_goes_by_where_it_stands_and_what_others_read_stays(text: str, wanted: str) -> None:
    assert patched(text, [edit(_where(text, text.strip()), "a", "left-out")]) == wanted
