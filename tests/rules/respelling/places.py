"""The same files, lying in other folders."""

import ast

from tests.rules.respelling.tree import Sources, python_of, words

HOME = "src/shop/api"


def in_a_package(sources: Sources) -> dict[str, str] | None:
    """Every module lies in ``src/shop/api`` and imports its neighbours by relative imports; tests lie beside ``src``."""
    trees = python_of(sources)
    if any("/" in file for file in trees) or any(
        word in " ".join(sources.values()) for word in ("from_object(", "from_pyfile(", "import_string", "__name__ ==")
    ):
        return None
    own = {file.removesuffix(".py") for file in trees}
    made = {file: text for file, text in sources.items() if file not in trees}
    for file, tree in trees.items():
        if file.startswith(("test_", "conftest")) or file in ("gunicorn.conf.py", "setup.py"):
            return None
        if not _made_relative(tree, own):
            return None
        made[f"{HOME}/{file}"] = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    made["src/shop/__init__.py"] = ""
    made[f"{HOME}/__init__.py"] = ""
    made["tests/test_nothing.py"] = "def test_nothing():\n    assert True\n"
    return made


def _made_relative(tree: ast.Module, own: set[str]) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").partition(".")[0] in own:
            node.level = 1
        elif isinstance(node, ast.ImportFrom) and node.level:
            return False
        elif isinstance(node, ast.Import) and any(one.name.partition(".")[0] in own for one in node.names):
            if len(node.names) != 1 or "." in node.names[0].name:
                return False
            _replace(tree, node)
    return True


def _replace(tree: ast.Module, node: ast.Import) -> None:
    for holder in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            held = getattr(holder, field, None)
            if isinstance(held, list) and node in held:
                held[held.index(node)] = ast.ImportFrom(None, node.names, 1)


def below_another_name(sources: Sources) -> dict[str, str] | None:
    """The one module of the program has another name."""
    trees = python_of(sources)
    if list(trees) != ["app.py"] or "door_keeper" in words(trees["app.py"]):
        return None
    others = {file: text for file, text in sources.items() if file != "app.py"}
    if any("app" in text for text in others.values()):
        return None
    return {**others, "server_main.py": ast.unparse(trees["app.py"]) + "\n"}
