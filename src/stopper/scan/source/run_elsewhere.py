"""Functions that a view has run by somebody else: a worker, a thread, a pool."""

from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.values import Name, Value
from stopper.scan.source.project import Project

_TASKS: Final = ("delay", "apply_async", "s", "si", "kiq", "send", "send_with_options", "schedule")
"""What a task of Celery, Huey, Taskiq or Dramatiq is started with: ``review.delay(text)`` runs ``review``."""
_HANDED: Final = (
    "enqueue", "enqueue_call", "enqueue_in", "enqueue_at", "submit", "to_thread", "run_in_executor", "spawn", "start_background_task",
    "call_soon", "call_later", "Thread", "Process", "Timer", "add_job",
)  # fmt: skip
"""What is handed the function itself: ``pool.submit(review, text)``, ``Thread(target=review)``."""


def run_elsewhere(project: Project, facts: SourceFacts) -> dict[str, list[str]]:
    """Function → the functions of the project that it has run by somebody else."""
    found: dict[str, list[str]] = {}
    for call in facts.calls(*(f"*.{word}" for word in _TASKS), tests=True):
        task = call.callee.rpartition(".")[0]
        if task in project.functions:
            found.setdefault(call.function, []).append(task)
    for call in facts.calls(*(f"*.{word}" for word in _HANDED), tests=True):
        given: list[Value] = [*call.args[:3], *(value for _, value in call.keywords)]
        named = [one.dotted for one in given if isinstance(one, Name) and one.dotted in project.functions]
        found.setdefault(call.function, []).extend(named)
    return found
