"""Values, checks and answers that travel in objects: settings, services, data classes, errors."""

import ast

from tests.rules.respelling.constants import apart, home_of, imports_for
from tests.rules.respelling.moved_code import call_of, elsewhere, maker_of, visible_in
from tests.rules.respelling.tree import (
    Function,
    Replaced,
    after_head,
    bodies,
    bound_by,
    each_module,
    expression,
    fresh,
    functions,
    holds,
    is_view,
    locals_of,
    name,
    parameters,
    read_in,
    statement,
    words,
)

_STOPS = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom, ast.Lambda)
_LEAST_ERROR = 400


def _settings_read(tree: ast.Module, known: dict[str, ast.expr], file: str) -> dict[str, ast.Module]:
    """A frozen data class without defaults, which a class method of its own fills."""
    fields = {one: one.lower() for one in known}
    text = "\n".join(f"    {field}: object" for field in fields.values())
    made = ast.parse(
        f"from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Settings:\n{text}\n"
        "    @classmethod\n    def read(cls):\n        return cls()\nsettings = Settings.read()"
    )
    reading = next(one for one in functions(made) if one.name == "read")
    Replaced({one: known_text(known[one]) for one in known}).visit(made)
    given = {one: Replaced({other: known_text(known[other]) for other in known}).visit(known[one]) for one in known}
    reading.body = [ast.Return(ast.Call(name("cls"), [], [ast.keyword(fields[one], given[one]) for one in known]))]
    Replaced({one: f"settings.{fields[one]}" for one in known}).visit(tree)
    tree.body.insert(after_head(tree), ast.ImportFrom(file, [ast.alias("settings")], 0))
    return {f"{file}.py": home_of(tree, known, made.body)}


def known_text(value: ast.expr) -> str:
    """A constant's value in brackets, to stand where it is named."""
    return f"({ast.unparse(value)})"


def _conditions_in_a_service(tree: ast.Module, _module: str) -> list[ast.stmt]:
    """The tests of branches are methods of an object that another module makes."""
    taken = words(tree)
    if "policy" in taken:
        return []
    brought = {word for one in tree.body if isinstance(one, (ast.Import, ast.ImportFrom)) for word in bound_by(one)}
    own = {word for one in tree.body for word in bound_by(one)} - brought
    made: list[ast.stmt] = []
    for function in outer_functions(tree):
        visible = visible_in(function)
        for node in ast.walk(function):
            if not isinstance(node, ast.If) or not isinstance(
                node.test, (ast.Compare, ast.BoolOp, ast.Call, ast.UnaryOp)
            ):
                continue
            if holds(node.test, *_STOPS, ast.comprehension):
                continue
            needs = tuple(sorted(read_in([node.test]) & visible))
            if "self" in needs or (read_in([node.test]) & own) - set(needs):
                continue  # a service does not import back from where it is used
            title = fresh("allows", taken)
            method = maker_of(title, needs, node.test)
            method.args.args.insert(0, ast.arg("self"))
            made.append(method)
            node.test = call_of(expression(f"policy.{title}"), needs)
    if not made:
        return []
    head = imports_for(tree, read_in(made))
    tree.body.insert(after_head(tree), ast.ImportFrom("services", [ast.alias("policy")], 0))
    return [*head, ast.ClassDef("Policy", [], [], made, []), statement("policy = Policy()")]


def outer_functions(tree: ast.Module) -> list[Function]:
    inner = {id(deep) for one in functions(tree) for top in one.body for deep in functions(top)}
    return [one for one in functions(tree) if id(one) not in inner]


def _ok_and_error(tree: ast.Module) -> bool:
    """``if test: return answer, 403`` as ``ok, answer = check(…)`` and ``if not ok: return answer``."""
    taken = words(tree)
    made: list[ast.stmt] = []
    for function in outer_functions(tree):
        visible = visible_in(function)
        for body in bodies(function):
            for number, node in reversed(list(enumerate(body))):
                last = node.body[0] if isinstance(node, ast.If) and len(node.body) == 1 and not node.orelse else None
                if not isinstance(node, ast.If) or not isinstance(last, ast.Return) or last.value is None:
                    continue
                if not is_error(last.value) or holds(node, *_STOPS, ast.comprehension):
                    continue
                needs = tuple(sorted((read_in([node.test, last.value])) & visible))
                title, ok, error = fresh("check", taken), fresh("ok", taken), fresh("error", taken)
                maker = maker_of(title, needs, expression("(True, None)"))
                refusal = ast.Tuple([ast.Constant(False), last.value], ast.Load())
                maker.body.insert(0, ast.If(node.test, [ast.Return(refusal)], []))
                made.append(maker)
                asked = statement(f"{ok}, {error} = 0")
                assert isinstance(asked, ast.Assign)
                asked.value = call_of(name(title), needs)
                body[number : number + 1] = [asked, statement(f"if not {ok}:\n    return {error}")]
    tree.body[after_head(tree) : after_head(tree)] = made
    return bool(made)


def _requests_in_a_dataclass(tree: ast.Module) -> bool:
    """What a view takes out of the request stands in the fields of one object."""
    taken = words(tree)
    made: list[ast.stmt] = []
    for view in [one for one in outer_functions(tree) if is_view(one)]:
        bound = [
            word
            for one in ast.walk(view)
            if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
            for word in [one.id]
        ]
        for body in bodies(view):
            run = _run_of_readings(body, bound)
            if not run:
                continue
            start, fields = run
            if any(f"{field}.pop(" in ast.unparse(view) for field in fields):
                continue  # what is taken out of a copy is gone from a name, and not from what holds it
            title, held = fresh(f"{view.name.title().replace('_', '')}Input", taken), fresh("given", taken)
            text = "\n".join(f"    {field}: object" for field in fields)
            made.append(statement(f"@dataclass\nclass {title}:\n{text}"))
            call = ast.Call(name(title), [], [ast.keyword(field, value) for field, value in fields.items()])
            assigned = ast.Assign([ast.Name(held, ast.Store())], call)
            body[start : start + len(fields)] = [assigned]
            Replaced({field: f"{held}.{field}" for field in fields}).visit(view)
            break
    if made:
        at = after_head(tree)
        tree.body[at:at] = [statement("from dataclasses import dataclass"), *made]
    return bool(made)


def _run_of_readings(body: list[ast.stmt], bound: list[str]) -> "tuple[int, dict[str, ast.expr]] | None":
    """The first statements in a row that give names to what is read of the request, where they begin and what they read."""
    fields: dict[str, ast.expr] = {}
    start = 0
    for number, one in enumerate(body):
        target = one.targets[0] if isinstance(one, ast.Assign) and len(one.targets) == 1 else None
        reads = isinstance(one, ast.Assign) and _reads_request(one.value) and not holds(one.value, *_STOPS)
        fits = isinstance(target, ast.Name) and reads and bound.count(target.id) == 1
        if (
            fits
            and isinstance(one, ast.Assign)
            and isinstance(target, ast.Name)
            and not read_in([one.value]) & fields.keys()
        ):
            start = start if fields else number
            fields[target.id] = one.value
        elif fields:
            break
    return (start, fields) if fields else None


def _reads_request(value: ast.expr) -> bool:
    """``request.json["name"]``, and not the request as a whole, handed on."""
    parts = [one.value for one in ast.walk(value) if isinstance(one, ast.Attribute)]
    whole = [one for one in ast.walk(value) if isinstance(one, ast.Name) and one.id == "request"]
    return bool(whole) and all(any(one is part for part in parts) for one in whole)


class _AsRecords(ast.NodeTransformer):
    """Dicts with names for keys, as what ``asdict`` makes of an object."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.made: list[ast.stmt] = []

    def visit_Dict(self, node: ast.Dict) -> ast.expr:
        self.generic_visit(node)
        keys = [one.value for one in node.keys if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if len(keys) < 2 or len(keys) != len(node.keys) or len(set(keys)) != len(keys):
            return node
        if not all(key.isidentifier() and not key.startswith("_") and key not in _KEYWORDS for key in keys):
            return node
        title = fresh("Record", self.taken)
        text = "\n".join(f"    {key}: object" for key in keys)
        self.made.append(statement(f"@dataclass\nclass {title}:\n{text}"))
        given = [ast.keyword(key, value) for key, value in zip(keys, node.values, strict=True)]
        return ast.Call(name("asdict"), [ast.Call(name(title), [], given)], [])


_KEYWORDS = frozenset({"class", "from", "import", "in", "is", "not", "or", "and", "if", "else", "for", "def", "pass", "None", "True", "False", "global", "with", "as", "return", "lambda"})  # fmt: skip


def _dicts_by_asdict(tree: ast.Module) -> bool:
    if "asdict" in words(tree):
        return False
    change = _AsRecords(words(tree))
    for function in outer_functions(tree):
        function.body = [change.visit(one) for one in function.body]
    if change.made:
        at = after_head(tree)
        tree.body[at:at] = [statement("from dataclasses import asdict, dataclass"), *change.made]
    return bool(change.made)


def _decorators_as_classes(tree: ast.Module) -> bool:
    """``def guard(view)`` that makes a function, as a class whose objects are called."""
    if "update_wrapper" in words(tree):
        return False
    changed = False
    for number, one in enumerate(tree.body):
        if (
            not isinstance(one, ast.FunctionDef)
            or one.decorator_list
            or len(parameters(one)) != 1
            or len(one.body) != 2
        ):
            continue
        inner, last = one.body
        if (
            not isinstance(inner, ast.FunctionDef)
            or not isinstance(last, ast.Return)
            or not isinstance(last.value, ast.Name)
        ):
            continue
        wraps = [ast.unparse(word).rpartition("wraps(")[1] for word in inner.decorator_list]
        view = parameters(one)[0]
        if last.value.id != inner.name or wraps != ["wraps("] or {view, "self"} & locals_of(inner):
            continue
        made = ast.parse(
            f"class {one.name}:\n    def __init__(self, {view}):\n        self.{view} = {view}\n        update_wrapper(self, {view})"
        ).body[0]
        assert isinstance(made, ast.ClassDef)
        for part in inner.body:
            Replaced({view: f"self.{view}"}).visit(part)
        called = ast.FunctionDef("__call__", inner.args, inner.body, [], None, None)
        called.args.args.insert(0, ast.arg("self"))
        made.body.append(called)
        tree.body[number] = made
        changed = True
    if changed:
        tree.body.insert(after_head(tree), statement("from functools import update_wrapper"))
    return changed


def _errors_by_a_handler(tree: ast.Module) -> bool:
    """What a view or a hook answers with an error is raised, and answered by a handler."""
    made = next(
        (
            (number, one.targets[0].id)
            for number, one in enumerate(tree.body)
            if isinstance(one, ast.Assign)
            and isinstance(one.targets[0], ast.Name)
            and ast.unparse(one.value).partition("(")[0].endswith("Flask")
        ),
        None,
    )
    if made is None or "Refused" in words(tree):
        return False
    number, application = made
    changed = False
    for function in outer_functions(tree):
        hangs = any(ast.unparse(one).startswith(f"{application}.") for one in function.decorator_list)
        if (
            not hangs
            or "errorhandler" in ast.unparse(function)
            or "after_request" in ast.unparse(function)
            or holds(function, ast.Try)
        ):
            continue
        for body in bodies(function):
            for place, one in enumerate(body):
                if isinstance(one, ast.Return) and one.value is not None and is_error(one.value):
                    body[place] = ast.Raise(ast.Call(name("Refused"), [one.value], []), None)
                    changed = True
    if changed:
        tree.body[number + 1 : number + 1] = ast.parse(
            "class Refused(Exception):\n    def __init__(self, answer):\n        super().__init__()\n        self.answer = answer\n"
            f"@{application}.errorhandler(Refused)\ndef refused(error):\n    return error.answer"
        ).body
    return changed


def is_error(value: ast.expr) -> bool:
    status = value.elts[1] if isinstance(value, ast.Tuple) and len(value.elts) > 1 else None
    return isinstance(status, ast.Constant) and isinstance(status.value, int) and status.value >= _LEAST_ERROR


settings_read = apart("settings", _settings_read)
conditions_in_a_service = elsewhere(_conditions_in_a_service)
ok_and_error = each_module(_ok_and_error)
requests_in_a_dataclass = each_module(_requests_in_a_dataclass)
dicts_by_asdict = each_module(_dicts_by_asdict)
decorators_as_classes = each_module(_decorators_as_classes)
errors_by_a_handler = each_module(_errors_by_a_handler)
