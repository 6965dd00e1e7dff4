"""Which files git says changed since a revision. Git is run with a list of arguments, never through a shell."""

from dataclasses import replace
from pathlib import Path

from stopper.core.errors import UsageError
from stopper.scan.report import Report, Skip


def changed_files(revision: str, root: Path) -> frozenset[Path]:
    """The files that differ from *revision*, with those that git does not follow yet. Raises UsageError."""
    top = Path(_git(root, "rev-parse", "--show-toplevel").strip("\n"))
    _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", what=revision)
    differing = _git(
        top, "diff", "--name-only", "--no-renames", "--diff-filter=d", "-z", "--end-of-options", revision, "--"
    )
    unknown = _git(top, "ls-files", "--others", "--exclude-standard", "-z")
    return frozenset((top / name).resolve() for name in (differing + unknown).split("\0") if name)


def only_changed(report: Report, files: frozenset[Path], root: Path, revision: str) -> Report:
    """*report* with the findings that have a place in *files*; what could not be read elsewhere no longer loses coverage."""

    def is_in(path: str) -> bool:
        return (root / path).resolve() in files

    findings = tuple(
        one for one in report.findings if any(place.span and is_in(place.span.path) for place in one.places)
    )
    errors = tuple(one if is_in(one.path) else replace(one, fatal=False) for one in report.errors)
    left = len(report.findings) - len(findings)
    noun = "finding" if left == 1 else "findings"
    skipped = (Skip(f"{left} {noun}", f"in files that did not change since {revision}"),) if left else ()
    return replace(report, findings=findings, errors=errors, skipped=(*report.skipped, *skipped))


def _git(folder: Path, *arguments: str, what: str = "") -> str:
    try:
        import subprocess

        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except OSError:
        raise UsageError("--changed-since needs git, which is not installed; leave the option out") from None
    if done.returncode == 0:
        return done.stdout.decode("utf-8", "surrogateescape")
    if what:
        raise UsageError(f"--changed-since: git knows no revision {what!r}; give a branch, tag or commit that is here")
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    raise UsageError(
        f"--changed-since: git says {(said[0] if said else 'error').removeprefix('fatal: ')!r}; run it inside a git repository"
    )
