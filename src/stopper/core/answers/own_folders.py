"""Folders of a project that hold what is for nobody else: itself, those above it, its logs and backups; and paths of files in them."""

from typing import Final

from stopper.core.flow.parts_given_out import OWN_FILE, is_own_file
from stopper.core.values import Call, Constant, Format, Item, Member, Name, Unknown, Value, text_of

_ROOTS: Final = frozenset(
    {".", "./", "..", "../", "/", "../..", "instance", "./instance", ".git", "logs", "/var/log", "backups", "/etc", "/app", "/srv", "~"}
)  # fmt: skip
_OWN_FOLDERS: Final = frozenset({"log", "logs", "backup", "backups", "dumps", "instance", ".git"})
"""Folders of a project that nobody puts anything into for others."""
_JOINS: Final = ("werkzeug.utils.safe_join", "werkzeug.security.safe_join", "flask.safe_join", "os.path.join")


def is_root(folder: Value) -> bool:
    """That the folder is the project itself, one above it, or one in which it keeps what is for nobody else."""
    match folder:
        case Constant(value=str(text)):
            return text in _ROOTS or text.startswith(("/var/log/", "/etc/"))
        case Call(callee="os.getcwd" | "pathlib.Path.cwd"):
            return True
        case (
            Unknown(parts=(base, Constant(value=str(last))))
            | Call(callee="os.path.join", args=(base, Constant(value=str(last))))
        ):  # ``Path(app.instance_path) / "logs"``
            return (last.strip("/") in _OWN_FOLDERS or last in (".", "..")) and is_root(base)
        case Call(callee="os.path.join", args=(base, Name(dotted="os.pardir" | "os.path.pardir"))):
            return is_root(base)
        case (
            Call(callee="str" | "os.fspath", args=(inner,))
            | Call(receiver=inner, method="resolve" | "absolute" | "as_posix")
        ):
            return inner is not None and is_root(inner)
        case Call(callee="os.path.abspath" | "os.path.realpath" | "os.path.dirname" | "pathlib.Path", args=(inner,)):
            return is_root(inner) or (folder.callee.endswith("dirname") and is_own_file(inner))
        case Member(owner=inner, attribute="parent"):
            return is_own_file(inner) or is_root(inner)
        case Name(dotted=dotted):
            return dotted.endswith((".root_path", ".instance_path")) or dotted in (
                "os.curdir",
                "os.pardir",
                "os.path.curdir",
            )
        case Member(attribute="root_path" | "instance_path"):
            return True
        case _:
            return text_of(folder) in _ROOTS


def made_whole(path: Value | None) -> tuple[Value, ...]:
    """What ``os.path.abspath(…)`` was given, and what ``shutil.copy(…)`` copied and where to."""
    if isinstance(path, Call) and path.callee in ("shutil.copy", "shutil.copy2", "shutil.copyfile"):
        return path.args[:2]
    return path.args[:1] if isinstance(path, Call) and path.callee in ("os.path.abspath", "os.path.realpath") else ()


def newest(path: Value | None) -> tuple[Value, ...]:
    """What ``max(glob.glob("/var/backups/*.sql"), key=os.path.getmtime)``, or ``sorted(…)[-1]``, looks for."""
    while isinstance(path, Item):
        path = path.owner
    if isinstance(path, Call) and path.callee in ("max", "min", "next", "sorted", "iter"):
        return newest(path.args[0]) if path.args else ()
    if isinstance(path, Call) and (path.callee in ("glob.glob", "glob.iglob") or path.method in ("glob", "rglob")):
        return path.args[:1]
    return ()


def packed(path: Call) -> tuple[Value, ...]:
    """The folder that ``shutil.make_archive("/tmp/all", "zip", app.instance_path)`` packs."""
    folder = path.argument(2, "root_dir") if path.callee == "shutil.make_archive" else None
    return () if folder is None else (folder,)


def is_of_root(path: Value) -> bool:
    """``safe_join(ROOT, name)``, ``ROOT / name`` of a name that is no literal."""
    joined = path.args if isinstance(path, Call) and path.callee in _JOINS else getattr(path, "parts", ())
    return len(joined) == 2 and is_root(joined[0]) and not isinstance(joined[1], (Constant, Format))


def is_own_text(path: Unknown | Call) -> bool:
    """``os.path.join(app.instance_path, "app.sqlite")``, ``Path(app.root_path) / ".env"``."""
    if isinstance(path, Call) and path.callee != "os.path.join":
        return False
    inside = path.args if isinstance(path, Call) else path.parts
    if len(inside) < 2:
        return False
    last = text_of(inside[-1])
    return last is not None and OWN_FILE.search(last) is not None and is_root(inside[0])
