"""Imports an application that may do anything while it loads; whatever it does is one line."""

import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from stopper.core.errors import IncompleteError, UsageError
from stopper.scan.audit.parcel import Job
from stopper.scan.audit.target import APPS, FACTORIES
from stopper.scan.running.read import is_flask


def imported(job: Job, root: Path) -> Any:
    """The application. Raises UsageError where the names are wrong, IncompleteError where the module's own code fails."""
    for folder in (root / "src", root, job.named.folder):
        if folder is not None and (folder == root or folder.is_dir()):
            sys.path.insert(0, str(folder))
    module = _module(job)
    if not job.named.attribute:
        return _found(job, module)
    found: Any = module
    for part in job.named.attribute.split("."):
        if not hasattr(found, part):
            raise UsageError(f"{job.named.module} has no {job.named.attribute!r}; {_offers(module)}")
        found = getattr(found, part)
    if job.named.arguments is None and (is_flask(unwrapped(found)) or not callable(found)):
        return unwrapped(found)
    args, kwargs = job.named.arguments or ((), {})
    _check_callable(job, found, args, kwargs)
    return unwrapped(_guarded(job, lambda: found(*args, **kwargs)))


def unwrapped(found: Any) -> Any:
    """The Flask application inside a WSGI wrapper or a Connexion application, or *found* itself."""
    if is_flask(found) or isinstance(found, (ModuleType, type)):
        return found
    for name in ("app", "wsgi_app", "application", "_app"):
        inner = getattr(found, name, None)
        if inner is not None and is_flask(inner):
            return inner
    return found


def _found(job: Job, module: ModuleType) -> Any:
    """The application of a module that is named alone, as ``flask run`` finds it."""
    for name in APPS:
        if is_flask(inner := unwrapped(getattr(module, name, None))):
            return inner
    apps = [value for value in vars(module).values() if is_flask(value)]
    if len({id(one) for one in apps}) == 1:
        return apps[0]
    for name in FACTORIES:
        factory = getattr(module, name, None)
        if inspect.isfunction(factory) and not apps:
            _check_callable(job, factory, (), {})
            return unwrapped(_guarded(job, factory))
    raise UsageError(f"{job.named.module} has no 'app'; {_offers(module)}")


def _check_callable(job: Job, factory: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    name = job.named.attribute or getattr(factory, "__name__", "create_app")
    try:
        inspect.signature(factory).bind(*args, **kwargs)
    except TypeError:
        if args or kwargs:
            raise UsageError(f"{job.named.module}:{name} does not take these arguments") from None
        raise UsageError(
            f"{job.named.module}:{name} cannot be called without arguments; name an application, or give them as in "
            f"{job.named.module}:{name}('test')"
        ) from None
    except ValueError:  # a callable that does not tell its parameters
        return


def _offers(module: ModuleType) -> str:
    apps = [name for name, value in vars(module).items() if is_flask(value)]
    if apps:
        return f"it has {', '.join(sorted(apps))}"
    return "name the Flask application in it, or its factory as create_app()"


def _module(job: Job) -> ModuleType:
    name = job.named.module
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError) as wrong:
        found = None
        if isinstance(wrong, ImportError) and not name.startswith(str(getattr(wrong, "name", None) or name)):
            raise _died(job, wrong) from None  # the parent package is there and lacks something else
    except BaseException as wrong:  # noqa: BLE001 - a parent package may do anything when it loads
        raise _died(job, wrong) from None
    if found is None:
        raise UsageError(
            f"there is no module {name!r} here; run it where the module can be imported, or check the name"
        )
    module: ModuleType = _guarded(job, lambda: importlib.import_module(name))
    return module


def _guarded(job: Job, function: Callable[[], Any]) -> Any:
    try:
        return function()
    except MemoryError:
        raise
    except BaseException as wrong:  # noqa: BLE001 - SystemExit and KeyboardInterrupt of the application are its own end, not ours
        raise _died(job, wrong) from None


def _died(job: Job, wrong: BaseException) -> IncompleteError:
    frames = traceback.extract_tb(wrong.__traceback__)
    inside = [
        frame
        for frame in frames
        if "importlib" not in frame.filename and "stopper/scan" not in frame.filename.replace("\\", "/")
    ]
    own = [frame for frame in inside if not _is_library(frame.filename)] or inside
    where = f" at {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""
    if isinstance(wrong, SystemExit):
        return IncompleteError(f"{job.target} ends the process on import (exit {wrong.code}){where}")
    text = " ".join(str(wrong).split())[:200]
    if isinstance(wrong, KeyError) and inside and Path(inside[-1].filename).name in ("os.py", "<frozen os>"):
        return IncompleteError(
            f"{job.target} needs the environment variable {text}{where}; set it, or give a file with it: --env-file FILE"
        )
    mend = ""
    if isinstance(wrong, ModuleNotFoundError) and wrong.name:
        mend = "; run this in the environment where the application's packages are, or install them here"
    return IncompleteError(
        f"{job.target} dies on import{where}: {type(wrong).__name__}{': ' + text if text else ''}{mend}"
    )


def _is_library(filename: str) -> bool:
    parts = set(Path(filename).parts)
    return bool(parts & {"site-packages", "dist-packages"}) or filename.startswith(("<", sys.base_prefix))
