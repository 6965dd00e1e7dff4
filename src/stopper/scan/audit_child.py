"""The child of an audit: imports the application in a fenced process, reads it, probes it, and leaves the answer in a file."""

import importlib
import importlib.util
import inspect
import os
import sys
import threading
import traceback
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from stopper.core.errors import IncompleteError, StopperError, UsageError
from stopper.core.redactor import mask
from stopper.scan.audit_database import Databases
from stopper.scan.audit_fence import Fence, limit_memory, load_environment
from stopper.scan.audit_parcel import Answer, Job, dump_answer, load_job
from stopper.scan.merge import merged, with_keys, with_spec
from stopper.scan.probing import Clock, examine, nothing, start
from stopper.scan.report import ReadError, Report, Skip
from stopper.scan.running.keys import source_keys
from stopper.scan.running.read import is_flask, read_running
from stopper.scan.score import scored
from stopper.scan.source.read import SourceReading, read_source
from stopper.scan.spec.find import given_spec, served_spec
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

WORKERS = 4


def main() -> None:
    """Read the job from standard input, do it, leave the answer, and end without waiting for the application's threads."""
    job = load_job(sys.stdin.buffer.read())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    answer = _answered(job)
    path = Path(job.folder)
    (path / "answer.part").write_bytes(dump_answer(answer))
    (path / "answer.part").rename(path / "answer")
    os._exit(0)


def _answered(job: Job) -> Answer:
    try:
        return Answer(report=audit(job))
    except UsageError as wrong:
        return Answer(usage=mask(str(wrong)))
    except StopperError as wrong:
        return Answer(incomplete=mask(str(wrong)))
    except MemoryError:
        return Answer(incomplete=f"{job.target} needs more memory than an audit allows")
    except Exception as wrong:  # noqa: BLE001 - the parent must learn in one line what went wrong here
        said = " ".join(str(wrong).split())[:300]
        return Answer(incomplete=mask(f"the audit of {job.target} broke: {type(wrong).__name__}: {said}"))


def audit(job: Job) -> Report:
    """The report of one application. Raises UsageError and IncompleteError with one line."""
    clock, options = start(), job.options
    root = options.root.resolve()
    limit_memory()
    if options.env_file is not None:
        load_environment(options.env_file)
    databases = Databases(Path(job.folder), options.disposable_database)
    databases.redirect()
    fence = Fence()
    fence.raise_up()
    before = set(sys.modules)
    app = imported(job, root)
    Path(job.folder, "phase").write_text("reading", encoding="utf-8")
    if not is_flask(app):
        raise UsageError(
            f"{job.target} is a {type(app).__name__}, not a Flask application; name the application or its factory"
        )
    reading = read_source(project_files(app, before, root), root)
    return _examined(job, app, root, reading, databases, fence, clock)


def imported(job: Job, root: Path) -> Any:
    """The application. What the module raises while it loads becomes one line."""
    sys.path.insert(0, str(root))
    if (root / "src").is_dir():
        sys.path.insert(1, str(root / "src"))
    found: Any = _module(job)
    name = job.attribute.removesuffix("()")
    for part in name.split("."):
        if not hasattr(found, part):
            raise UsageError(f"{job.module} has no {name!r}; {_offers(found)}")
        found = getattr(found, part)
    made = job.attribute.endswith("()") or (callable(found) and not is_flask(found))
    if made:
        _check_callable(job, found)
        return _guarded(job, found)
    return found


def _check_callable(job: Job, factory: Any) -> None:
    try:
        inspect.signature(factory).bind()
    except TypeError:
        name = job.attribute.removesuffix("()")
        raise UsageError(
            f"{job.module}:{name} cannot be called without arguments; name an application, or a factory that needs none"
        ) from None
    except ValueError:  # a callable that does not tell its parameters
        return


def _offers(module: Any) -> str:
    apps = [name for name, value in vars(module).items() if is_flask(value)] if isinstance(module, ModuleType) else []
    if apps:
        return f"it has {', '.join(sorted(apps))}"
    return "name the Flask application in it, or its factory as create_app()"


def _module(job: Job) -> ModuleType:
    try:
        found = importlib.util.find_spec(job.module)
    except (ImportError, ValueError, AttributeError):
        found = None
    except BaseException as wrong:  # noqa: BLE001 - a parent package may do anything when it loads
        raise _died(job, wrong) from None
    if found is None:
        raise UsageError(
            f"there is no module {job.module!r} here; run it where the module can be imported, or check the name"
        )
    module: ModuleType = _guarded(job, lambda: importlib.import_module(job.module))
    return module


def _guarded(job: Job, function: Any) -> Any:
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
    where = f" at {Path(inside[-1].filename).name}:{inside[-1].lineno}" if inside else ""
    if isinstance(wrong, SystemExit):
        return IncompleteError(f"{job.target} ends the process on import (exit {wrong.code}){where}")
    text = " ".join(str(wrong).split())[:200]
    return IncompleteError(f"{job.target} dies on import{where}: {type(wrong).__name__}{': ' + text if text else ''}")


def project_files(app: Any, before: set[str], root: Path) -> tuple[Path, ...]:
    """The source of the application: what its import loaded from below *root*, libraries and this program left out."""
    modules = [getattr(view, "__module__", "") for view in app.view_functions.values()]
    mine = {name for name in (*modules, app.import_name) if isinstance(name, str)}
    found: dict[Path, None] = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name in before or not file or not file.endswith(".py"):
            continue
        path = Path(file).resolve()
        if not path.is_relative_to(root) or {"site-packages", "dist-packages"} & set(path.relative_to(root).parts):
            continue
        if name.partition(".")[0] == "stopper" and not _beside(name, mine):
            continue
        found.setdefault(path)
    return tuple(found)


def _beside(name: str, mine: set[str]) -> bool:
    """Whether a module of this program is part of what is judged: it holds the application's views, or lies in their package."""
    return any(
        name == known or name.rpartition(".")[0] == known or name == known.rpartition(".")[0]
        for known in mine
        if known.startswith("stopper.")
    )


def _examined(
    job: Job, app: Any, root: Path, reading: SourceReading, databases: Databases, fence: Fence, clock: Clock
) -> Report:
    options = job.options
    model = merged(read_running(app, root), reading.app)
    model = with_keys(model, source_keys(model))
    why = databases.why_not_writable(app, model.config) if options.mode == "active" else ""
    courier = Courier(
        WsgiTransport(app), mode=options.mode, max_requests=options.max_requests, rate=options.rate, timeout=options.timeout, why_no_writes=why
    )  # fmt: skip
    document = given_spec(options.spec, options.timeout) if options.spec else served_spec(courier, model.routes)
    if document is not None:
        model = with_spec(model, *document)
    skips = [Skip("writing", why)] if why else []
    report = examine(
        "audit",
        job.target,
        model,
        courier,
        _with_progress(job),
        clock,
        workers=WORKERS,
        errors=reading.errors,
        skips=skips,
    )
    fenced = [
        Skip(f"outbound {host}", "an audit lets the application reach this machine only")
        for host in sorted(fence.refused)
    ]
    report = replace(report, skipped=(*report.skipped, *fenced))
    if nothing(report.coverage):
        lost = ReadError(job.target, "it has no route that could be asked")
        return scored(replace(report, errors=(*report.errors, lost)))
    return report


def _with_progress(job: Job) -> Any:
    path = Path(job.folder, "phase")
    lock = threading.Lock()

    def tell(what: str, done: int, total: int) -> None:
        with lock:
            path.with_suffix(".part").write_text(f"{what}\t{done}\t{total}", encoding="utf-8")
            path.with_suffix(".part").replace(path)

    return replace(job.options, progress=tell)


if __name__ == "__main__":
    main()
