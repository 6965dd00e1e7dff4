"""Findings are reported and nobody is stopped, so nobody looks."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.ci_steps import Line, Step, lines_of, steps_of
from stopper.core.fact import TextFile
from stopper.core.facts import SourceFacts, source_of
from stopper.core.place import Span
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.values import Sequence, is_constant, text_of

TOOL: Final = re.compile(
    r"(?i)(?<![\w/.])(?<![\w-]-)(?:bandit|pip-audit|safety\s+(?:check|scan)|semgrep|trivy|gitleaks|trufflehog|detect-secrets|snyk|grype|checkov|stopper\s+(?:check|scan|audit|lock)"
    r"|zap-(?:baseline|full-scan|api-scan)(?:\.py)?|nuclei|schemathesis|zizmor|osv-scanner|dlint|hadolint|sonar-scanner|codeql\s+database\s+analyze"
    r"|ruff\s+check[^\n]*(?:--select|--extend-select)[ =][\w,]*S\b|pysa|pyre\s+analyze|horusec|dependency-check|clair|kube-score|tfsec|govulncheck)(?!_(?!(?:path|bin|cmd|command|exe|cli)\b[\"'}]*\s+\w)\w)(?![\w-]*\.(?:ya?ml|json|toml|cfg))"
)
_ACTION: Final = re.compile(
    r"(?i)uses:\s*[\"']?(?:aquasecurity/trivy-action|gitleaks/gitleaks-action|trufflesecurity/trufflehog|returntocorp/semgrep-action|snyk/actions|pypa/gh-action-pip-audit"
    r"|anchore/scan-action|bridgecrewio/checkov-action|zaproxy/action-[\w-]+|PyCQA/bandit-action|tj-actions/bandit|github/codeql-action/analyze|actions/dependency-review-action|[\w-]*/?stopper[\w/-]*|woodruffw/zizmor-action|zizmorcore/zizmor-action)"
)
_WORDS: Final = (
    "bandit", "pip-audit", "safety", "semgrep", "trivy", "gitleaks", "truffle", "detect-secrets", "snyk", "grype", "checkov", "bridgecrew",
    "stopper", "zap", "nuclei", "schemathesis", "zizmor", "osv-scanner", "dlint", "hadolint", "sonar-scanner", "codeql", "ruff", "pysa", "pyre",
    "horusec", "dependency-", "clair", "kube-score", "tfsec", "govulncheck", "anchore",
)  # fmt: skip
"""A word of each of them: most files have none."""
_INSTALLS: Final = re.compile(
    r"(?i)\b(?:pip3?|pipx|uv|poetry|brew|apt-get|npm|go)\s+(?:\w+\s+)*?(?:install|add)\b|--version\b|--help\b|^\s*-?\s*name:|\becho\b"
)
_SWALLOWED: Final = re.compile(
    r"\|\|\s*(?:true|:|exit\s+0|echo\b|printf\b|/bin/true)|;\s*(?:true|exit\s+0)\b|\s--exit-zero\b|--exit-code[= ]0\b|--soft-fail\b|--continue-on-error\b|--no-error\b(?!-)|--fail-on[= ]none\b|\s-I\b.*zap"
)
_COMMAND: Final = re.compile(
    r"\b(bandit|pip-audit|safety|semgrep|trivy|gitleaks|grype|snyk|checkov|osv-scanner)\s+(\w+)?"
)
_PIPED: Final = re.compile(r"\|\s*(?:tee|cat|head|tail|grep|jq|sed|awk)\b")
_CONTINUES: Final = re.compile(
    r"(?i)^\s*-?\s*(?:continue-on-error|allow_failure|ignore_outcome|ignore_errors|continueOnError)\s*[:=]\s*[\"']?(true)\b"
)
_IGNORED: Final = re.compile(r"(?i)^\s*ignore_outcome\s*=\s*(true)\b")
"""What tox lets pass; with ``ignore_errors`` it goes on, and fails in the end."""
_UNASKED: Final = re.compile(
    r"(?i)(?<![\w/.-])(?:semgrep\s+(?:scan\b|--config\b)|trivy\s+(?:fs|filesystem|image|repo|repository|config|rootfs)\b|trufflehog\s+(?:git|filesystem|github|gitlab)\b).*"
)
_CODE_BY: Final = {
    "semgrep": r"--error\b|--strict\b",
    "trivy": r"--exit-code\b|--config\b",
    "trufflehog": r"--fail\b",
}
"""Tools that end with 0 whatever they find, and what makes them say it."""
_NO_GATE: Final = re.compile(r"(?i)--download-(?:java-)?db-only|cyclonedx|spdx|--generate-default-config")
"""Fetches what is known of weaknesses, or lists what an image is made of."""
_READS: Final = re.compile(
    r"(?i)\bjq\b|python|upload-sarif|sarif|--json-output|gitlab-\w+-report|defectdojo|\bgrep\b|\btest\b|\bif\b|aqua-scanner"
)
_ALLOWS: Final = re.compile(r"^\s*allow_failure\s*:\s*$")
_CODES: Final = re.compile(r"^\s*(?:exit_codes\s*:.*\b1\b|-\s*1\s*$)")
"""The exit code by which the tools say that they found something."""
_ASKED: Final = re.compile(r"\bif\s+(?:!\s*)?\S.*;\s*then\s*$|\bif\s+(?:!\s*)?\S[^;]*$")
_NOTED: Final = re.compile(r"\|\|\s*([A-Za-z_]\w*)=")
_FI: Final = re.compile(r"^\s*fi\b")
_ANSWERS: Final = re.compile(
    r"\b(?:exit|false|return|raise|fail\w*|die|abort)\b|\b\w+\+?=|GITHUB_(?:OUTPUT|ENV)|::set-output|\bcurl\b|\bgh\s|create_issue"
)
"""What a script does about a tool that failed, other than to say it."""
_SAYS: Final = re.compile(r"^\s*(?:-\s*)?(?:echo|printf)\b(?!.*>>)")
_ZERO: Final = re.compile(
    r"(?i)^\s*(?:exit-code|exit_code|fail-build|fail_action|soft_fail|fail-on-severity)\s*:\s*[\"']?(?:0|false|none)\b"
)
_SOFT: Final = re.compile(r"(?i)^\s*soft_fail\s*:\s*[\"']?(true)\b")
_EXIT: Final = re.compile(r"^\s*exit\s+0\s*$")
_UNSET: Final = re.compile(r"(?:^|\s)set\s+\+e\b")
_JENKINS: Final = re.compile(r"returnStatus\s*:\s*true|catchError\s*\([^)]*buildResult\s*:\s*['\"]SUCCESS['\"]")
_MAKE_DASH: Final = re.compile(r"^\t@?-|^\t-@?")
_TOX_DASH: Final = re.compile(r"^\s*(?:commands\s*=\s*)?-\s*\S")


def detect(app: App) -> Iterator[Hit]:
    """A security tool whose failure goes nowhere: swallowed in the shell, or allowed by the pipeline."""
    yield from _sessions(source_of(app))
    for file in source_of(app).files_of("workflow", "build", "shell"):
        if not any(file.lines_with(*_WORDS)):
            continue
        if ".pre-commit-config." in file.path:
            yield from _in_hooks(file)
        steps = list(steps_of(file))
        whole = "\n".join(step.text for step in steps)
        job: Line | None = None
        for step in steps:
            if not step.is_item and not step.lines[0].text.lstrip().startswith("steps"):
                job = step.find(_CONTINUES)  # what stands before ``steps:`` holds for the whole job
            found = _tool(step)
            if found is not None and (hit := _let_off(file, step, found, whole)) is not None:
                yield hit
            elif found is not None and job is not None and step.is_item:
                yield Hit("the build goes on when this job fails, and a security tool is in it", job.span)


_MARKS: Final = re.compile(r"[^\w=-]")
_HOOK: Final = re.compile(r"^\s*-\s*id\s*:\s*[\"']?([\w-]+)")


def _in_hooks(file: TextFile) -> Iterator[Hit]:
    """``args: [--exit-zero]`` of a hook of pre-commit."""
    hook = ""
    for line in lines_of(file):
        started = _HOOK.match(line.text)
        hook = started[1] if started is not None else hook
        said = _MARKS.sub(" ", line.text)
        if hook and TOOL.search(hook) and not TOOL.search(line.text) and _SWALLOWED.search(said):
            yield Hit("this hook ends well whatever its security tool finds", line.span, certainty="certain")


def _sessions(facts: SourceFacts) -> Iterator[Hit]:
    """A session of nox, or a task of Invoke, for which a tool that found something has ended well."""
    if not facts.imports("nox", "invoke"):
        return
    for call in facts.calls("*.run"):
        command = " ".join(text_of(one) or "" for one in call.args)
        if not TOOL.search(command) or _INSTALLS.search(command):
            continue
        well = call.keyword("success_codes")
        takes = any(is_constant(one, 1) for one in well.items) if isinstance(well, Sequence) else False
        unasked = not facts.conditions_in(call.function) and not facts.returns_of(call.function)
        if call.span is not None and (takes or (unasked and is_constant(call.keyword("warn"), True))):
            yield Hit("this security tool has ended well whatever it finds", call.span)


def _tool(step: Step) -> Line | None:
    """The line of the step that runs a security tool."""
    return next(
        (line for line in step.lines if _ACTION.search(line.text) or _runs(line.text)),
        None,
    ) or next((line for line in step.lines if TOOL.search(line.text) and _SWALLOWED.search(line.text)), None)


def _runs(text: str) -> bool:
    """That one of the commands of a line runs a tool: ``pip install pip-audit && pip-audit`` does."""
    return any(TOOL.search(one) and not _INSTALLS.search(one) for one in re.split(r"&&|;", text))


def _let_off(file: TextFile, step: Step, tool: Line, whole: str) -> Hit | None:
    for line in step.lines:
        if TOOL.search(line.text) and _SWALLOWED.search(line.text):
            if _runs_again(line, whole):
                continue
            return Hit("the exit code of this security tool is swallowed", line.span, certainty="certain")
        if TOOL.search(line.text) and _JENKINS.search(line.text):
            return Hit("the exit code of this security tool is swallowed", line.span)
        if file.path.endswith(("akefile", "justfile")) and TOOL.search(line.text) and _MAKE_DASH.match(line.text):
            return Hit("make goes on when this security tool fails", line.span, certainty="certain")
        if file.path.endswith("tox.ini") and TOOL.search(line.text) and _TOX_DASH.match(line.text):
            return Hit("tox goes on when this security tool fails", line.span, certainty="certain")
    if (kept := _NOTED.search(tool.text)) is not None and TOOL.search(tool.text[: kept.start()]):
        asks = rf"(?:\b(?:test|exit|if|elif|case|while|return)\b|\[).*\$\{{?{kept[1]}\b|\$\{{\{{[^}}]*{kept[1]}|GITHUB_(?:OUTPUT|ENV)"
        if re.search(asks, step.text.partition(tool.text)[2]) is None:
            return Hit("the exit code of this security tool is noted, and nothing asks for it", tool.span)
    if (asked := _only_said(step, tool)) is not None:
        return Hit("a failure of this security tool is said, and the build goes on", asked.span)
    if (unasked := _UNASKED.search(tool.text)) is not None and not _sets_code(unasked, tool, step, whole):
        return Hit(f"{unasked[0].split()[0]} ends well whatever it finds, unless it is told otherwise", tool.span)
    allowed = None if file.path.endswith("tox.ini") else step.find(_CONTINUES)
    allowed = allowed or (step.find(_IGNORED) if file.path.endswith("tox.ini") else _allows_findings(step))
    if allowed is not None and not _asked_later(step, whole):
        if _is_sent_on(step, whole):
            said = "the build goes on when this security step fails: look whether what it sends to code scanning stops anybody"
            return Hit(said, allowed.span, certainty="possible", severity="low")
        return Hit("the build goes on when this security step fails", allowed.span, certainty="certain")
    zero = step.find(_ZERO) or step.find(_SOFT)
    if zero is not None:
        return Hit("this security step is told to end well whatever it finds", zero.span, certainty="certain")
    behind = "\n".join(line for line in step.text.partition("set +e")[2].splitlines() if not _SAYS.match(line))
    if (unset := step.find(_UNSET)) is not None and not re.search(r"(?m)^\s*exit\s+\$|set\s+-e|\$\?|rc=", behind):
        return Hit("the shell goes on when this security tool fails", unset.span)
    if file.kind == "shell" and (last := _ends_well(step, whole)) is not None:
        return Hit("the script ends well whatever its security tools say", last.span, certainty="certain")
    if (
        _PIPED.search(tool.text)
        and TOOL.search(tool.text)
        and not re.search(r"pipefail|shell:\s*bash|PIPESTATUS", whole)
    ):
        return Hit("the pipe ends well whatever the security tool before it says", tool.span)
    return None


def _sets_code(command: re.Match[str], tool: Line, step: Step, file_text: str) -> bool:
    """That the command says by which code findings end it, itself or by a variable, or that its report is read by something behind it."""
    whole = next((one.text for one in step.commands if one.span == tool.span), tool.text)
    told = _CODE_BY[command[0].split()[0].lower()]
    if _NO_GATE.search(whole) or f"{command[0].split()[0].upper()}_EXIT_CODE" in file_text:
        return True
    return re.search(told, whole[command.start() :]) is not None or _READS.search(step.text) is not None


def _only_said(step: Step, tool: Line) -> Line | None:
    """``if ! bandit -r app; then echo "found something"; fi``: the test takes the failure, and nothing behind it ends the build."""
    if not _ASKED.search(tool.text) or not TOOL.search(tool.text.partition("if ")[2]):
        return None
    behind = step.lines[step.lines.index(tool) + 1 :]
    end = next((number for number, line in enumerate(behind) if _FI.match(line.text)), None)
    commands = (one for line in behind[: end or 0] for one in re.split(r";|&&|\|\|", line.text))
    if end is None or any(_ANSWERS.search(one) and not _SAYS.match(one) for one in commands):
        return None
    return tool


def _allows_findings(step: Step) -> Line | None:
    """GitLab's ``allow_failure:`` with the exit code that says that something was found."""
    allows = step.find(_ALLOWS)
    below = step.lines[step.lines.index(allows) + 1 :][:3] if allows is not None else ()
    return allows if any(_CODES.match(line.text) for line in below) else None


def _is_sent_on(step: Step, whole: str) -> bool:
    """That what the tool writes as SARIF goes to code scanning in a step behind it, which may stop a change by itself."""
    return "sarif" in step.text.lower() and "upload-sarif" in whole.partition(step.text)[2].lower()


def _runs_again(report: Line, whole: str) -> bool:
    """That this line only writes a report: behind it the same tool with the same word of command runs once more, and may fail."""
    ran = _COMMAND.search(report.text)
    lines = whole.partition(report.text)[2].splitlines() if ran is not None else []
    return any(
        (again := _COMMAND.search(one)) is not None
        and ran is not None
        and again.group(1, 2) == ran.group(1, 2)
        and _runs(one)
        and not _SWALLOWED.search(one)
        and not _PIPED.search(one)
        for one in lines
    )


def _ends_well(step: Step, whole: str) -> Line | None:
    """``exit 0`` in the last line of a script that no failing command ends before."""
    last = step.lines[-1]
    ends = _EXIT.search(last.text) is not None and not re.search(r"(?m)^\s*set\s+-\w*e|\$\?|\|\|\s*\w", whole)
    return last if ends else None


def _asked_later(step: Step, whole: str) -> bool:
    """That a later step looks at the step's own outcome; ``if: failure()`` does not see it."""
    named = re.search(r"(?m)^\s*-?\s*id:\s*[\"']?([\w-]+)", step.text)
    return named is not None and re.search(rf"steps\.{re.escape(named[1])}\.outcome", whole) is not None


_JOINED: Final = re.compile(r"\|\||;|&&")
"""What joins commands: of several it takes a person to say which one swallows."""
_NAMED: Final = re.compile(r"^\s*-?\s*(?:name|description|if)\s*:")
_MENDS: Final = (
    (_CONTINUES, "false"),
    (_SOFT, "false"),
    (re.compile(r"(\s*(?:\|\|\s*(?:true|:|exit\s+0|/bin/true)|;\s*(?:true|exit\s+0)))(?=\s*[\"']?\s*$)"), ""),
    (re.compile(r"(\s--(?:exit-zero|soft-fail))(?![\w=-])"), ""),
    (re.compile(r"--exit-code[= ](0)\b|^\s*exit[-_]code\s*:\s*[\"']?(0)\b"), "1"),
    (re.compile(r"^\t@?(-)@?|^\s*commands\s*=\s*(-\s*)|^\s+(-\s+)(?=\S)"), ""),
)
"""What lets a failure go, and what stands there where it does not; the last one is of make and tox."""


def fix(app: App, hit: Hit) -> Edit | None:
    """Without what swallows the exit code on the line; the build fails then where the tool finds something."""
    for file in source_of(app).files_of("workflow", "build", "shell"):
        if hit.span is None or file.path != hit.span.path:
            continue
        text, line = file.lines[hit.span.line - 1], hit.span.line
        if len(_JOINED.findall(text)) > 1 or _NAMED.match(text):
            return None
        dashed = file.path.endswith(("akefile", "justfile", "tox.ini"))
        for pattern, better in _MENDS if dashed else _MENDS[:-1]:
            if (found := pattern.search(text)) is not None:
                start, end = next(
                    found.span(number) for number in range(1, pattern.groups + 1) if found[number] is not None
                )
                return Edit(Span(file.path, line, line, start + 1, end + 1), better, safe=False)
    return None


RULE = Rule(
    slug="security-gate-cannot-fail",
    family="ci",
    title="A security step that cannot fail the build",
    harm=__doc__ or "",
    severity="medium",
    check="inventory",
    cwe=(1127,),
    owasp="API8:2023",
    asvs=(),
    surfaces=("source",),
    ends="Stopper's `stopper check` exits with 1 at findings, and 3 where it could not read everything.",
    certainty="likely",
    detect=detect,
    fix=fix,
)
