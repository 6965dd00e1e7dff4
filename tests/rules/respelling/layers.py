"""Steps of a function behind more than a function: tables, registries, use cases, heirs, constructors, generators, contexts."""

import ast
from collections.abc import Callable

from tests.rules.respelling.moved_code import Step, call_of, maker_of, put_in, steps_of
from tests.rules.respelling.tree import (
    Replaced,
    after_head,
    bodies,
    bound_in,
    each_module,
    expression,
    fresh,
    functions,
    holds,
    name,
    read_in,
    statement,
    words,
)

Change = Callable[[ast.Module], bool]
_ANSWERS = frozenset({"abort", "jsonify", "make_response", "redirect", "render_template", "view", "Response"})
"""What stays where it is: nobody hands his answers through layers."""


def steps_within(tree: ast.Module) -> list[Step]:
    """The steps that are no answers."""
    return [
        one
        for one in steps_of(tree)
        if _ANSWERS.isdisjoint(ast.unparse(one.value.func).split(".") if isinstance(one.value, ast.Call) else ())
    ]


def _each_step(make: Callable[[Step, str, set[str]], "tuple[list[ast.stmt], ast.expr]"], *, head: str = "") -> Change:
    """Each step in what *make* makes for it, read back by the expression that it gives; *head* stands before them all."""

    def change(tree: ast.Module) -> bool:
        taken = words(tree)
        brought = ast.parse(head).body
        if "self" in taken or bound_in(brought) & taken:
            return False
        made: list[ast.stmt] = []
        found = steps_within(tree)
        for step in found:
            statements, read = make(step, fresh("step", taken), taken)
            made += statements
            put_in(step, read)
        tree.body[after_head(tree) : after_head(tree)] = [*brought, *made] if found else []
        return bool(found)

    return change


def _in_a_table(tree: ast.Module) -> bool:
    """``STEPS = {"step": lambda a: f(a)}`` and ``STEPS["step"](a)``."""
    taken = words(tree)
    found = steps_within(tree)
    if "STEPS" in taken or not found:
        return False
    table = ast.Dict([], [])
    for step in found:
        title = fresh("step", taken)
        line = expression(f"lambda {', '.join(step.needs)}: 0")
        assert isinstance(line, ast.Lambda)
        line.body = step.value
        table.keys.append(ast.Constant(title))
        table.values.append(line)
        put_in(step, call_of(expression(f"STEPS[{title!r}]"), step.needs))
    tree.body.insert(after_head(tree), ast.Assign([ast.Name("STEPS", ast.Store())], table))
    return True


_REGISTRY = """
REGISTERED = {}
def registered(name):
    def register(function):
        REGISTERED[name] = function
        return function
    return register
def run(name, *args):
    return REGISTERED[name](*args)
"""


def _by_registry(step: Step, title: str, taken: set[str]) -> tuple[list[ast.stmt], ast.expr]:
    """``@registered("step") def step(a): …`` and ``run("step", a)``."""
    made = maker_of(title, step.needs, step.value)
    made.decorator_list = [expression(f"registered({title!r})")]
    call = call_of(name("run"), step.needs)
    call.args.insert(0, ast.Constant(title))
    return [made], call


def _fields(needs: tuple[str, ...]) -> str:
    lines = "".join(f"        self.{one} = {one}\n" for one in needs) or "        pass\n"
    return f"    def __init__(self{''.join(f', {one}' for one in needs)}):\n{lines}"


def _by_use_case(step: Step, title: str, taken: set[str]) -> tuple[list[ast.stmt], ast.expr]:
    """``Step(a, b).execute()``, whose constructor keeps what the step needs."""
    word = fresh(title.title().replace("_", ""), taken)
    held = statement(f"class {word}:\n{_fields(step.needs)}    def execute(self): pass")
    assert isinstance(held, ast.ClassDef)
    assert isinstance(held.body[1], ast.FunctionDef)
    holder = ast.Expression(step.value)
    from_self(step.needs, "self").visit(holder)
    held.body[1].body = [ast.Return(holder.body)]
    return [held], ast.Call(ast.Attribute(call_of(name(word), step.needs), "execute", ast.Load()), [], [])


def from_self(needs: tuple[str, ...], held: str) -> ast.NodeTransformer:
    """Names that are read of the object *held*."""
    return Replaced({one: f"{held}.{one}" for one in needs})


def _by_command(step: Step, title: str, taken: set[str]) -> tuple[list[ast.stmt], ast.expr]:
    """``handler.execute(Command(a=…, b=…))`` with a data class as command."""
    word = fresh(title.title().replace("_", "") + "Command", taken)
    fields = "\n".join(f"    {one}: object" for one in step.needs) or "    pass"
    held = statement(f"@dataclass(frozen=True)\nclass {word}:\n{fields}")
    handler = statement(f"class {word}Handler:\n    def execute(self, command): pass")
    assert isinstance(handler, ast.ClassDef)
    assert isinstance(handler.body[0], ast.FunctionDef)
    holder = ast.Expression(step.value)
    from_self(step.needs, "command").visit(holder)
    handler.body[0].body = [ast.Return(holder.body)]
    given = ast.Call(name(word), [], [ast.keyword(one, name(one)) for one in step.needs])
    return [held, handler], ast.Call(expression(f"{word}Handler().execute"), [given], [])


def _by_pair(step: Step, title: str, taken: set[str]) -> tuple[list[ast.stmt], ast.expr]:
    """The step returns two things, the first of which is asked for."""
    made = maker_of(title, step.needs, ast.Tuple([step.value, ast.Constant(None)], ast.Load()))
    return [made], ast.Subscript(call_of(name(title), step.needs), ast.Constant(0), ast.Load())


def _by_heirs(tree: ast.Module) -> bool:
    """Abstract methods, said by an heir that a function hands out."""
    taken = words(tree)
    found = steps_within(tree)
    if not found or {"self", "ABC", "abstractmethod", "get_steps"} & taken:
        return False
    abstract: list[ast.stmt] = []
    said: list[ast.stmt] = []
    for step in found:
        title = fresh("step", taken)
        method = maker_of(title, ("self", *step.needs), step.value)
        said.append(method)
        # The text of an abstract method in the program that is made: nothing here is left unwritten.
        none = statement(
            f"@abstractmethod\ndef {title}({', '.join(('self', *step.needs))}):\n    raise NotImplementedError"
        )
        abstract.append(none)
        put_in(step, call_of(expression(f"get_steps().{title}"), step.needs))
    made = ast.parse("from abc import ABC, abstractmethod").body
    made += [
        ast.ClassDef("Steps", [name("ABC")], [], abstract, []),
        ast.ClassDef("UsualSteps", [name("Steps")], [], said, []),
    ]
    made.append(statement("def get_steps() -> Steps:\n    return UsualSteps()"))
    tree.body[after_head(tree) : after_head(tree)] = made
    return True


def _in_layers(tree: ast.Module) -> bool:
    """A service is made with a repository; its methods ask the repository's, which have the steps."""
    taken = words(tree)
    found = steps_within(tree)
    if not found or {"self", "Repository", "service"} & taken:
        return False
    below: list[ast.stmt] = []
    above: list[ast.stmt] = [statement("def __init__(self, repository):\n    self.repository = repository")]
    for step in found:
        title = fresh("step", taken)
        below.append(maker_of(title, ("self", *step.needs), step.value))
        call = call_of(expression(f"self.repository.{title}"), step.needs)
        above.append(maker_of(title, ("self", *step.needs), call))
        put_in(step, call_of(expression(f"service.{title}"), step.needs))
    made: list[ast.stmt] = [ast.ClassDef("Repository", [], [], below, []), ast.ClassDef("Service", [], [], above, [])]
    made.append(statement("service = Service(Repository())"))
    tree.body[after_head(tree) : after_head(tree)] = made
    return True


def _handed_on(tree: ast.Module) -> bool:
    """Calls of a library go by way of a function that hands on what it is given: ``def decode(*args, **options): return jwt.decode(…)``."""
    return _wrapped(
        tree, lambda word, called: statement(f"def {word}(*args, **options):\n    return {called}(*args, **options)")
    )


def _wrapped(tree: ast.Module, make: Callable[[str, str], ast.stmt], owner: str = "") -> bool:
    taken = words(tree)
    brought = {
        one.asname or one.name
        for top in tree.body
        if isinstance(top, (ast.Import, ast.ImportFrom))
        for one in top.names
    }
    known: dict[str, str] = {}
    made: list[ast.stmt] = []
    for function in functions(tree):
        inside = bound_in([function])
        for node in (one for top in function.body for one in ast.walk(top) if isinstance(one, ast.Call)):
            called = node.func
            if not isinstance(called, ast.Attribute) or not isinstance(called.value, ast.Name):
                continue
            whole = ast.unparse(called)
            if called.value.id not in brought - inside or called.attr[:1].isupper() or whole == "request.get_json":
                continue
            if called.value.id in ("request", "session", "g", "current_app", "functools", "db"):
                continue
            if whole not in known:
                known[whole] = fresh(f"{called.attr}_with_{called.value.id}", taken)
                made.append(make(known[whole], whole))
            node.func = expression(owner + known[whole])
    if made and owner:
        made = [ast.ClassDef("Clients", [], [], made, []), statement("clients = Clients()")]
    tree.body[after_head(tree) : after_head(tree)] = made
    return bool(made)


def _in_clients(tree: ast.Module) -> bool:
    """The same as methods of an object."""
    if {"self", "Clients", "clients"} & words(tree):
        return False
    return _wrapped(
        tree,
        lambda word, called: statement(f"def {word}(self, *args, **options):\n    return {called}(*args, **options)"),
        "clients.",
    )


def _within_contexts(tree: ast.Module) -> bool:
    """``name = f(a)`` and what follows become ``with step(a) as name: …``."""
    taken = words(tree)
    made: list[ast.stmt] = []
    brought = fresh("contextmanager", taken)
    by_statement = {id(step.statement): step for step in steps_within(tree)}
    for body in list(bodies(tree)):
        for number, one in reversed(list(enumerate(body))):
            step = by_statement.get(id(one))
            target = one.targets[0] if isinstance(one, ast.Assign) and len(one.targets) == 1 else None
            if (
                step is None
                or not isinstance(target, ast.Name)
                or number + 1 >= len(body)
                or holds(step.value, ast.Yield)
            ):
                continue
            title = fresh("opened", taken)
            maker = maker_of(title, step.needs, step.value)
            maker.body = [ast.Expr(ast.Yield(step.value))]
            maker.decorator_list = [name(brought)]
            made.append(maker)
            item = ast.withitem(call_of(name(title), step.needs), target)
            body[number:] = [ast.With([item], body[number + 1 :])]
    if made:
        made.insert(
            0,
            ast.ImportFrom(
                "contextlib", [ast.alias("contextmanager", brought if brought != "contextmanager" else None)], 0
            ),
        )
    tree.body[after_head(tree) : after_head(tree)] = made
    return bool(made)


def _in_the_application(tree: ast.Module) -> bool:
    """The service hangs on the application: ``current_app.extensions["service"].step(a)``."""
    taken = words(tree)
    found = [step for step in steps_within(tree) if "request" in read_in([step.value]) or step.in_view]
    made = next(
        (
            number
            for number, one in enumerate(tree.body)
            if isinstance(one, ast.Assign) and ast.unparse(one).partition("(")[0] == "app = Flask"
        ),
        None,
    )
    if not found or made is None or {"self", "service", "Service"} & taken:
        return False
    body: list[ast.stmt] = []
    for step in found:
        title = fresh("step", taken)
        body.append(maker_of(title, ("self", *step.needs), step.value))
        put_in(step, call_of(expression(f"current_app.extensions['service'].{title}"), step.needs))
    tree.body[made + 1 : made + 1] = [
        ast.ClassDef("Service", [], [], body, []),
        statement("app.extensions['service'] = Service()"),
    ]
    tree.body.insert(
        0 if "__future__" not in ast.unparse(tree.body[0]) else 1, statement("from flask import current_app")
    )
    return True


in_a_table = each_module(_in_a_table)
in_a_registry = each_module(_each_step(_by_registry, head=_REGISTRY))
as_use_cases = each_module(_each_step(_by_use_case))
as_commands = each_module(_each_step(_by_command, head="from dataclasses import dataclass"))
in_pairs = each_module(_each_step(_by_pair))
in_heirs = each_module(_by_heirs)
in_layers = each_module(_in_layers)
handed_on = each_module(_handed_on)
in_clients = each_module(_in_clients)
within_contexts = each_module(_within_contexts)
in_the_application = each_module(_in_the_application)
