"""A lambda that is given a name, ``digest_of = lambda key: sha256(key).hexdigest()``, is a function like one that ``def`` makes."""

import ast

from stopper.scan.source.binding import assign
from stopper.scan.source.definitions import read_definition
from stopper.scan.source.reader import Reader


def assign_or_define(reader: Reader, node: ast.Assign) -> None:
    """What an assignment gives its targets; a function where it gives a lambda to one name."""
    target = node.targets[0]
    if type(node.value) is ast.Lambda and len(node.targets) == 1 and type(target) is ast.Name:
        read_definition(reader, _defined(target.id, node.value))
    else:
        assign(reader, node)


def _defined(name: str, made: ast.Lambda) -> ast.FunctionDef:
    answer = ast.copy_location(ast.Return(made.body), made.body)
    return ast.copy_location(ast.FunctionDef(name, made.args, [answer], []), made)
