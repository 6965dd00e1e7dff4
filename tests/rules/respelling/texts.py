"""The same texts, names, notes and well-known calls in other spellings."""

import ast
from collections.abc import Callable

from tests.rules.respelling.tree import (
    Rewriting,
    bound_in,
    each_module,
    expression,
    fresh,
    functions,
    is_view,
    statement,
    words,
)


def _plain(node: ast.JoinedStr) -> list[ast.expr] | None:
    """The parts of an f-string none of which is formatted in a way of its own."""
    found: list[ast.expr] = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            if part.conversion != -1 or part.format_spec is not None:
                return None
            found.append(part.value)
        else:
            found.append(part)
    return found


def _is_text(part: ast.expr) -> bool:
    return isinstance(part, ast.Constant) and isinstance(part.value, str)


class _Texts(ast.NodeTransformer):
    def __init__(self, make: Callable[[list[ast.expr]], ast.expr | None]) -> None:
        self._make = make
        self.changed = False

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        self.generic_visit(node)
        parts = _plain(node)
        made = self._make(parts) if parts else None
        if made is None:
            return node
        self.changed = True
        return made

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.expr:
        return node


def _each_text(make: Callable[[list[ast.expr]], ast.expr | None]) -> Rewriting:
    def change(tree: ast.Module) -> bool:
        turn = _Texts(make)
        turn.visit(tree)
        return turn.changed

    return each_module(change)


def _formatted(parts: list[ast.expr]) -> ast.expr | None:
    text = "".join(str(part.value).replace("{", "{{").replace("}", "}}") if isinstance(part, ast.Constant) and _is_text(part) else "{}" for part in parts)  # fmt: skip
    return ast.Call(
        ast.Attribute(ast.Constant(text), "format", ast.Load()), [one for one in parts if not _is_text(one)], []
    )


def _by_percent(parts: list[ast.expr]) -> ast.expr | None:
    text = "".join(
        str(part.value).replace("%", "%%") if isinstance(part, ast.Constant) and _is_text(part) else "%s"
        for part in parts
    )
    held = [one for one in parts if not _is_text(one)]
    return ast.BinOp(ast.Constant(text), ast.Mod(), ast.Tuple(held, ast.Load())) if held else None


def _added(parts: list[ast.expr]) -> ast.expr | None:
    pieces = [part if _is_text(part) else ast.Call(ast.Name("str", ast.Load()), [part], []) for part in parts]
    made: ast.expr = pieces[0]
    for piece in pieces[1:]:
        made = ast.BinOp(made, ast.Add(), piece)
    return made


def _joined(parts: list[ast.expr]) -> ast.expr | None:
    pieces = [part if _is_text(part) else ast.Call(ast.Name("str", ast.Load()), [part], []) for part in parts]
    return ast.Call(ast.Attribute(ast.Constant(""), "join", ast.Load()), [ast.List(pieces, ast.Load())], [])


class _Calls(ast.NodeTransformer):
    """Calls of one spelling, put in another by *make*; None where it has none."""

    def __init__(self, make: Callable[[ast.Call], ast.expr | None]) -> None:
        self._make = make
        self.changed = False

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        made = self._make(node)
        if made is None:
            return node
        self.changed = True
        return made


def _each_call(make: Callable[[ast.Call], ast.expr | None]) -> Rewriting:
    def change(tree: ast.Module) -> bool:
        turn = _Calls(make)
        turn.visit(tree)
        return turn.changed

    return each_module(change)


_LOG = frozenset({"debug", "info", "warning", "error", "critical", "exception"})


def _log_in_fstring(call: ast.Call) -> ast.expr | None:
    """``log.info("x %s", y)`` becomes ``log.info(f"x {y}")``."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in _LOG or len(call.args) < 2:
        return None
    text, held = call.args[0], call.args[1:]
    if (
        not isinstance(text, ast.Constant)
        or not isinstance(text.value, str)
        or any(isinstance(one, (ast.Starred, ast.Dict)) for one in held)
    ):
        return None
    pieces = text.value.split("%s")
    if len(pieces) != len(held) + 1 or "%" in text.value.replace("%s", ""):
        return None
    values: list[ast.expr] = []
    for number, piece in enumerate(pieces):
        if piece:
            values.append(ast.Constant(piece))
        if number < len(held):
            values.append(ast.FormattedValue(held[number], -1))
    call.args = [ast.JoinedStr(values)]
    return call


def _into_fstring(node: ast.BinOp) -> ast.expr | None:
    if (
        not isinstance(node.op, ast.Mod)
        or not isinstance(node.left, ast.Constant)
        or not isinstance(node.left.value, str)
    ):
        return None
    held = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
    pieces = node.left.value.split("%s")
    if isinstance(node.right, ast.Dict) or len(pieces) != len(held) + 1 or "%" in node.left.value.replace("%s", ""):
        return None
    values: list[ast.expr] = []
    for number, piece in enumerate(pieces):
        if piece:
            values.append(ast.Constant(piece))
        if number < len(held):
            values.append(ast.FormattedValue(held[number], -1))
    return ast.JoinedStr(values)


class _Percents(ast.NodeTransformer):
    changed = False

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        made = _into_fstring(node)
        self.changed = self.changed or made is not None
        return made if made is not None else node


def _fstrings(tree: ast.Module) -> bool:
    turn = _Percents()
    turn.visit(tree)
    return turn.changed


def _twin(call: ast.Call) -> ast.expr | None:
    """Calls that have a twin of the same meaning."""
    called = ast.unparse(call.func)
    if called == "os.environ.get":
        call.func = expression("os.getenv")
        return call
    if called == "os.getenv" and len(call.args) <= 2 and not call.keywords:
        call.func = expression("os.environ.get")
        return call
    if called in ("requests.get", "requests.post", "requests.put", "requests.delete", "httpx.get", "httpx.post"):
        library, _, verb = called.partition(".")
        call.func = expression(f"{library}.request")
        call.args.insert(0, ast.Constant(verb.upper()))
        return call
    if called in ("hashlib.md5", "hashlib.sha1", "hashlib.sha256") and len(call.args) == 1 and not call.keywords:
        call.func, call.args = expression("hashlib.new"), [ast.Constant(called.partition(".")[2]), *call.args]
        return call
    if called == "jsonify" and call.keywords and not call.args and all(one.arg for one in call.keywords):
        call.args = [ast.Dict([ast.Constant(one.arg) for one in call.keywords], [one.value for one in call.keywords])]
        call.keywords = []
        return call
    if called == "jsonify" and len(call.args) == 1 and isinstance(call.args[0], ast.Dict) and not call.keywords:
        return call.args[0]
    if called == "dict" and not call.args and all(one.arg for one in call.keywords):
        return ast.Dict([ast.Constant(one.arg) for one in call.keywords], [one.value for one in call.keywords])
    return None


def _jsonified(tree: ast.Module) -> bool:
    """``return {…}, 401`` becomes ``return jsonify({…}), 401``."""
    changed = False
    for function in functions(tree):
        for node in ast.walk(function) if is_view(function) else ():
            if not isinstance(node, ast.Return):
                continue
            if isinstance(node.value, ast.Dict):
                node.value = ast.Call(ast.Name("jsonify", ast.Load()), [node.value], [])
                changed = True
            elif isinstance(node.value, ast.Tuple) and node.value.elts and isinstance(node.value.elts[0], ast.Dict):
                node.value.elts[0] = ast.Call(ast.Name("jsonify", ast.Load()), [node.value.elts[0]], [])
                changed = True
    if "jsonify" in bound_in(tree.body):
        return changed
    if changed:
        import_first(tree, "from flask import jsonify")
    return changed


def import_first(tree: ast.Module, text: str) -> None:
    last = [
        number for number, one in enumerate(tree.body) if isinstance(one, ast.ImportFrom) and one.module == "__future__"
    ]
    tree.body.insert(last[-1] + 1 if last else 0, statement(text))


class _Attributes(ast.NodeTransformer):
    def __init__(self, wanted: Callable[[ast.Attribute], bool], made: Callable[[ast.Attribute], ast.expr]) -> None:
        self._wanted, self._made = wanted, made
        self.changed = False

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load) and self._wanted(node):
            self.changed = True
            return self._made(node)
        return node


def _json_by_call(tree: ast.Module) -> bool:
    """``request.json`` becomes ``request.get_json()``."""
    turn = _Attributes(
        lambda node: node.attr == "json" and isinstance(node.value, ast.Name) and node.value.id == "request",
        lambda node: expression("request.get_json()"),
    )
    turn.visit(tree)
    return turn.changed


def _logger_of_app(tree: ast.Module) -> bool:
    """``logger.info`` of ``logging.getLogger(…)`` becomes ``current_app.logger.info`` in functions."""
    loggers = {
        one.targets[0].id
        for one in tree.body
        if isinstance(one, ast.Assign)
        and isinstance(one.targets[0], ast.Name)
        and ast.unparse(one.value).startswith("logging.getLogger(")
    }
    if not loggers or ("current_app" in bound_in(tree.body) and "current_app" not in _flask_names(tree)):
        return False
    turn = _Attributes(
        lambda node: isinstance(node.value, ast.Name) and node.value.id in loggers and node.attr in _LOG,
        lambda node: expression(f"current_app.logger.{node.attr}"),
    )
    for function in functions(tree):
        function.body = [turn.visit(one) for one in function.body]
    if turn.changed and "current_app" not in _flask_names(tree):
        import_first(tree, "from flask import current_app")
    return turn.changed


def _flask_names(tree: ast.Module) -> set[str]:
    return {
        one.asname or one.name
        for top in tree.body
        if isinstance(top, ast.ImportFrom) and top.module == "flask"
        for one in top.names
    }


def _own_logger(tree: ast.Module) -> bool:
    """``app.logger`` and ``current_app.logger`` become a logger of the module."""
    taken = words(tree)
    title = fresh("module_log", taken)
    turn = _Attributes(
        lambda node: node.attr in _LOG and ast.unparse(node.value) in ("app.logger", "current_app.logger", "logging"),
        lambda node: ast.Attribute(ast.Name(title, ast.Load()), node.attr, ast.Load()),
    )
    turn.visit(tree)
    if turn.changed:
        import_first(tree, f"{title} = logging.getLogger(__name__)")
        import_first(tree, "import logging")
    return turn.changed


formatted = _each_text(_formatted)
by_percent = _each_text(_by_percent)
added = _each_text(_added)
joined = _each_text(_joined)
log_in_fstring = _each_call(_log_in_fstring)
fstrings = each_module(_fstrings)
twins = _each_call(_twin)
jsonified = each_module(_jsonified)
json_by_call = each_module(_json_by_call)
logger_of_app = each_module(_logger_of_app)
own_logger = each_module(_own_logger)
