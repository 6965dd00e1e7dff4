"""The child of an audit: imports the application in a fenced process, reads it, probes it, and leaves the answer in a file."""

import os
import sys
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from stopper.core.app import App, Route, Spec
from stopper.core.errors import IncompleteError, StopperError, UsageError
from stopper.core.later_pattern import patterns_later
from stopper.core.redactor import mask
from stopper.core.rule import Rule
from stopper.scan.access.join import with_answers, with_traced
from stopper.scan.access.table import table
from stopper.scan.access.trace import traced
from stopper.scan.access.witness import Witness
from stopper.scan.audit.database import Databases
from stopper.scan.audit.fence import Fence, limit_memory, load_environment, servers_in
from stopper.scan.audit.forks import Forks
from stopper.scan.audit.importing import imported
from stopper.scan.audit.network import Network, leave_the_network
from stopper.scan.audit.parcel import Answer, Job, dump_answer, load_job
from stopper.scan.engine import run_detectors
from stopper.scan.merge import as_it_runs, merged, with_given_spec, with_keys, with_spec
from stopper.scan.probing import Clock, examine, nothing, start
from stopper.scan.report import ReadError, Report, Skip
from stopper.scan.running.keys import source_keys
from stopper.scan.running.read import is_flask, read_config, read_running
from stopper.scan.score import scored
from stopper.scan.source.read import SourceReading, read_source
from stopper.scan.spec.find import given_spec, served_spec
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

WORKERS = 4


class WantsServerError(IncompleteError):
    """The application looks for servers of this machine: where one answers, it must be asked again without a network of its own."""

    def __init__(self, message: str, addresses: Iterable[str]) -> None:
        super().__init__(message)
        self.addresses = tuple(sorted(addresses))


def main() -> None:
    """Read the job from standard input, do it, leave the answer, and end without waiting for the application's threads."""
    with patterns_later():
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
    except WantsServerError as wrong:
        return Answer(incomplete=mask(str(wrong)), wants=wrong.addresses)
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
    document = given_spec(options.spec, options.timeout) if options.spec else None
    network = leave_the_network() if job.alone else "hooks"
    limit_memory()
    if options.env_file is not None:
        load_environment(options.env_file)
    databases = Databases(Path(job.folder), options.disposable_database)
    databases.redirect()
    fence, forks = Fence(), Forks(Path(job.folder))
    fence.raise_up()
    forks.watch()
    before = set(sys.modules)
    app = _loaded(job, root, fence, forks, network)
    Path(job.folder, "phase").write_text("reading", encoding="utf-8")
    if not is_flask(app):
        raise UsageError(
            f"{job.target} is of the type {type(app).__name__}, not a Flask application; name the application or its factory"
        )
    wanted = (
        databases.on_this_machine(read_config(app.config)) if network == "namespace" and not job.content else set[str]()
    )
    if wanted:
        raise WantsServerError(f"{job.target} keeps its data in a server of this machine", wanted)
    databases.make_tables(app)
    files = project_files(app, before, root)
    report = _examined(_Scene(job, app, root, read_source(files, root), databases, fence, clock, network, document))
    return report if files else replace(report, skipped=(*report.skipped, _UNREAD))


_UNREAD: Final = Skip(
    "source",
    "no file of the application is below this folder, so only what runs was looked at; run this in the folder of its code",
)


def _loaded(job: Job, root: Path, fence: Fence, forks: Forks, network: Network) -> Any:
    try:
        app = imported(job, root)
    except IncompleteError as wrong:
        forks.end_of_import(job.target)
        if network == "namespace" and not job.content and (wanted := fence.at_home | servers_in(str(wrong))):
            raise WantsServerError(str(wrong), wanted) from None
        raise
    forks.end_of_import(job.target)
    return app


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


@dataclass(frozen=True, slots=True)
class _Scene:
    """Everything that one audit knows once the application is there."""

    job: Job
    app: Any
    root: Path
    reading: SourceReading
    databases: Databases
    fence: Fence
    clock: Clock
    network: Network
    document: tuple[Spec, tuple[Route, ...]] | None


def _examined(scene: _Scene) -> Report:
    job, app, options = scene.job, scene.app, scene.job.options
    model = as_it_runs(merged(read_running(app, scene.root), scene.reading.app))
    model = with_keys(model, source_keys(model))
    tell = _with_progress(job).progress
    if not job.only_access and (first := _first_sign(model, options.rules)):
        tell(f"found {first} and looking on", 0, 0)
    foreign = scene.databases.why_not_writable(app, model.config)
    # Without a network nothing that a hook or a decorator writes can reach a server; a socket in the file system could.
    harmless = not foreign or (scene.network == "namespace" and not scene.databases.by_socket(model.config))
    model = with_traced(model, traced(app, model, scene.root, changes=harmless))
    if job.only_access:
        return Report(
            "audit", job.target, options.mode, scene.clock.started, 0.0, access=table(model), network=scene.network
        )
    why = foreign if options.mode == "active" else ""
    witness = Witness(WsgiTransport(app), app)
    courier = Courier(
        witness, mode=options.mode, max_requests=options.max_requests, rate=options.rate, timeout=options.timeout,
        time_limit=options.time_limit, why_no_writes=why,
    )  # fmt: skip
    if scene.document is not None:
        model = with_given_spec(model, *scene.document)
    elif (served := served_spec(courier, model.routes)) is not None:
        model = with_spec(model, *served)
    report = examine(
        "audit", job.target, model, courier, _with_progress(job), scene.clock, workers=WORKERS, errors=scene.reading.errors,
        skips=[Skip("writing", why)] if why else [],
    )  # fmt: skip
    fenced = [
        Skip(f"outbound {host}", "an audit lets the application reach this machine only")
        for host in sorted(scene.fence.refused)
    ]
    rows = table(as_it_runs(with_answers(model, witness.answers)))
    report = replace(report, skipped=(*report.skipped, *fenced), access=rows, network=scene.network)
    if nothing(report.coverage):
        lost = ReadError(job.target, "it has no route that could be asked")
        return scored(replace(report, errors=(*report.errors, lost)))
    return report


def _first_sign(app: App, rules: Sequence[Rule]) -> str:
    """The first rule with a sign in the source: a person who waits learns early that there is something."""
    return next((one.rule.slug for rule in rules for one in run_detectors(app, (rule,)) if one.hits), "")


def _with_progress(job: Job) -> Any:
    path = Path(job.folder, "phase")
    lock = threading.Lock()

    def tell(what: str, done: int, total: int) -> None:
        with lock:
            path.with_suffix(".part").write_text(f"{what}\t{done}\t{total}", encoding="utf-8")
            path.with_suffix(".part").replace(path)

    return replace(job.options, progress=tell)
