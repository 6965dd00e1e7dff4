"""Binds what is imported, from the project's own modules where they are."""

import ast

from stopper.core.values import (
    Value,
)
from stopper.scan.source import names
from stopper.scan.source.drafts import new_name
from stopper.scan.source.project import Module
from stopper.scan.source.reader import Reader, canonical


def read_import(reader: Reader, node: ast.Import) -> None:
    for alias in node.names:
        reader.project.imported.update((alias.name, canonical(alias.name)))
        module = reader.project.load(reader.module, alias.name)
        if alias.asname:
            reader.scope[alias.asname] = new_name(module.name if module is not None else canonical(alias.name))
        else:
            top = alias.name.partition(".")[0]
            reader.scope[top] = new_name(top)


def read_import_from(reader: Reader, node: ast.ImportFrom) -> None:
    home = _home(reader.module, node)
    module = reader.project.load(reader.module, home) if home else None
    for alias in node.names:
        if alias.name == "*":
            if module is None:
                for name in names.STARS.get(canonical(home), "").split():
                    reader.scope.setdefault(name, new_name(canonical(f"{home}.{name}")))
            else:
                for name, value in module.bindings.items():
                    if not name.startswith("_"):
                        reader.scope.setdefault(name, value)
            continue
        reader.project.imported.update((f"{home}.{alias.name}", canonical(f"{home}.{alias.name}")))
        reader.scope[alias.asname or alias.name] = _imported(reader, home, module, alias.name)
    reader.project.imported.update((home, canonical(home)))


def _imported(reader: Reader, home: str, module: Module | None, name: str) -> Value:
    if module is not None and name in module.bindings:
        return module.bindings[name]
    # ``from . import keys`` beside no ``__init__.py`` has no home: the module is looked for in the same folder.
    whole = f"{home}.{name}" if home else name
    child = reader.project.load(reader.module, whole)
    if child is not None:
        return new_name(child.name)
    return new_name(canonical(f"{module.name}.{name}" if module is not None else whole))


def _home(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    drop = node.level - 1 if module.package else node.level
    base = parts[: len(parts) - drop] if drop <= len(parts) else []
    return ".".join([*base, node.module] if node.module else base)
