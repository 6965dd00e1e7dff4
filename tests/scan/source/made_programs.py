"""Programs made by chance, for what reads programs: modules, classes and functions that refer to each other in any direction, also to themselves."""

import random
from collections.abc import Callable, Iterable

from stopper.core.values import Value, parts

_PLAIN = ("1", '"x"', "None", 'request.args["q"]', 'request.json["p"]', 'os.environ["K"]', 'app.config["S"]')
_NEW = ("x", "y", "z")
_Shape = Callable[[str, Callable[[], str]], str]
"""An expression out of one name and more expressions."""
_DECORATED = {"@property": ("self",), "@staticmethod": ("one",), "@classmethod": ("cls", "one"), "": ("self", "one")}


def program(seed: int, size: int = 1) -> dict[str, str]:
    """File name → source. The same for the same *seed*; *size* multiplies functions and classes."""
    return _Made(random.Random(seed), size).files()


def part_of_itself(values: Iterable[Value]) -> Value | None:
    """One of the values that can be reached from itself, or None. Each is looked through once."""
    done: set[int] = set()
    for value in values:
        above, ways = [value], [iter(parts(value))]
        while ways:
            inner = next(ways[-1], None)
            if inner is None:
                done.add(id(above.pop()))
                ways.pop()
            elif any(inner is one for one in above):
                return inner
            elif id(inner) not in done:
                above.append(inner)
                ways.append(iter(parts(inner)))
    return None


class _Made:
    def __init__(self, chance: random.Random, size: int) -> None:
        self.chance = chance
        self.modules = [f"m{number}" for number in range(chance.randint(1, 2 + size))]
        pick = chance.choice
        self.functions = [
            (pick(self.modules), f"f{n}", chance.randint(0, 3)) for n in range(size * chance.randint(3, 9))
        ]
        self.classes = [
            (pick(self.modules), f"C{n}", chance.randint(1, 3), chance.randint(1, 3))
            for n in range(size * chance.randint(1, 4))
        ]
        self.fields = [f"a{n}" for n in range(max(one[2] for one in self.classes))]
        self.methods = [f"g{n}" for n in range(max(one[3] for one in self.classes))]

    def files(self) -> dict[str, str]:
        return {f"{name}.py": "\n".join(self.module(name)) + "\n" for name in self.modules}

    def module(self, name: str) -> list[str]:
        lines = ["import os", "from flask import Flask, abort, g, request, session"]
        lines.append("app = Flask(__name__)" if name == "m0" else "from m0 import app")
        for other in self.modules:
            held = [one for home, one, *_ in (*self.functions, *self.classes) if home == other]
            if other != name and held:
                lines.append(f"from {other} import {', '.join(held)}")
        for home, one, fields, methods in self.classes:
            lines += self.class_of(one, fields, methods) if home == name else ()
        for home, one, count in self.functions:
            lines += self.function(one, [f"p{n}" for n in range(count)]) if home == name else ()
        for number in range(self.chance.randint(1, 4)):
            lines += self.view(f"v{number}_{name}")
        return lines

    def class_of(self, name: str, fields: int, methods: int) -> list[str]:
        given = [f"p{n}" for n in range(fields)]
        base = self.chance.choice([one[1] for one in self.classes] + ["object", "db.Model"])
        lines = [f"class {name}({base}):"]
        lines += [
            f"    a{n} = {self.chance.choice(['None', 'db.Column()'])}"
            for n in range(fields)
            if self.chance.random() < 0.3
        ]
        lines.append(f"    def __init__(self, {', '.join(given)}):")
        lines += [f"        self.a{n} = {self.value(['self', *given])}" for n in range(fields)]
        for number in range(methods):
            decorator = self.chance.choice(["@property", "@staticmethod", "@classmethod", "", "", "", ""])
            names = list(_DECORATED[decorator])
            lines += [f"    {decorator}"] if decorator else []
            lines += [f"    def g{number}({', '.join(names)}):", *self.steps(names, 2)]
        return lines

    def function(self, name: str, given: list[str]) -> list[str]:
        head = f"def {name}({', '.join(given)}):"
        if self.chance.random() < 0.12:
            inner = self.steps(["args", "kwargs", *given], 2)
            return [head, "    def inner(*args, **kwargs):", *inner, "    return inner"]
        return [head, *self.steps(given or ["g"], 1)]

    def view(self, name: str) -> list[str]:
        if self.chance.random() < 0.3:
            hook = self.chance.choice(["app.before_request", "app.after_request", "app.errorhandler(Exception)"])
            return [f"@{hook}", f"def {name}(one):", *self.steps(["one"], 1)]
        guard = [f"@{self.chance.choice(self.functions)[1]}"] if self.chance.random() < 0.4 else []
        method = self.chance.choice(["GET", "POST", "PUT"])
        return [
            f"@app.route('/{name}/<one>', methods=['{method}'])",
            *guard,
            f"def {name}(one):",
            *self.steps(["one", "session"], 1),
        ]

    def steps(self, names: list[str], indent: int, depth: int = 0) -> list[str]:
        """Statements, and in the outermost block a return."""
        lines: list[str] = []
        for _ in range(self.chance.randint(1, 4)):
            lines += self.step(names, indent, depth)
        if depth == 0 or self.chance.random() < 0.3:
            lines.append(f"{'    ' * indent}return {self.value(names)}")
        return lines

    def step(self, names: list[str], indent: int, depth: int) -> list[str]:
        pad, one = "    " * indent, self.chance.choice(names)
        field, new = self.chance.choice(self.fields), self.chance.choice(_NEW)
        plain = [
            f"{one}.{field} = @",
            f"{one}['k'] = @",
            f"{one}.append(@)",
            f"{one}.update(@)",
            f"{one} = @",
            f"setattr({one}, '{field}', @)",
            "@",
        ]
        blocks = ["if @:", "for w in @:", "while @:", "with @ as c:", "try:"]
        drawn = self.chance.random()
        if drawn < 0.3:
            made = [f"{pad}{new} = {self.value(names)}"]
            names.append(new)
            return made
        if drawn < 0.75 or depth == 2:
            return [pad + self.chance.choice(plain).replace("@", self.value(names))]
        head = self.chance.choice(blocks)
        bound = {"f": ["w"], "w": ["c"] if head.startswith("with") else []}.get(head[0], [])
        lines = [pad + head.replace("@", self.value(names)), *self.steps([*names, *bound], indent + 1, depth + 1)]
        if head == "try:":
            lines += [f"{pad}except Exception as e:", *self.steps([*names, "e"], indent + 1, depth + 1)]
        elif head.startswith("if") and self.chance.random() < 0.4:
            lines += [f"{pad}else:", *self.steps([*names], indent + 1, depth + 1)]
        return lines

    def value(self, names: list[str], depth: int = 0) -> str:
        """An expression over these names."""
        one = self.chance.choice(names)
        if depth > 2 or self.chance.random() < 0.25:
            return self.chance.choice([*names, *_PLAIN])
        return self.chance.choice(self.shapes())(one, lambda: self.value(names, depth + 1))

    def shapes(self) -> list[_Shape]:
        """Ways to put values together, the usual ones several times."""
        _, function, count = self.chance.choice(self.functions)
        _, kind, fields, _ = self.chance.choice(self.classes)
        field, method = self.chance.choice(self.fields), self.chance.choice(self.methods)
        called: _Shape = lambda _, more: f"{function}({', '.join(more() for _ in range(count))})"  # noqa: E731
        made: _Shape = lambda _, more: f"{kind}({', '.join(more() for _ in range(fields))})"  # noqa: E731
        held: _Shape = lambda one, _: f"{one}.{field}"  # noqa: E731
        asked: _Shape = lambda one, more: f"{one}.{method}({more()})"  # noqa: E731
        several: _Shape = lambda _, more: f"[{more()}, {more()}]"  # noqa: E731
        return [
            *(called,) * 9,
            *(made, held, asked, several) * 2,
            lambda _, more: f"{{'k': {more()}, 'j': {more()}}}",
            lambda _, more: f"({more()} if {more()} else {more()})",
            lambda _, more: f"({more()} or {more()})",
            lambda one, _: f"f'a{{{one}}}'",
            lambda one, _: f"{one}['k']",
            lambda one, _: f"{one}[0]",
            lambda _, more: f"[z for z in {more()}]",
            lambda _, more: f"(lambda q: {more()})",
            lambda _, more: f"dict({more()}, k={more()})",
            lambda _, more: f"{{**{more()}, 'z': {more()}}}",
            lambda _, more: f"str({more()})",
        ]
