"""Everybody who may read the build's log, or the repository, has the credential."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from stopper.core.app import App
from stopper.core.deployment.ci_steps import OF_A_PIPELINE, Line, Step, is_of_one_desk, steps_of
from stopper.core.deployment.secrets_in_steps import shown_files, spelled_out
from stopper.core.edits.variable_edits import from_variable
from stopper.core.fact import TextFile
from stopper.core.facts import SourceFacts, source_of
from stopper.core.keys.api_key_names import is_key_name
from stopper.core.keys.key_shapes import STANDS_IN, is_drawn
from stopper.core.naming import sensitive
from stopper.core.redaction.providers import first_format
from stopper.core.rule import Edit, Hit, Rule
from stopper.core.tokens.jwt_names import ENCODING
from stopper.core.values import Constant, literals, text_of

PRINTED: Final = "a secret is printed into the build's log"
_SHARED: Final = "the secret of the tests is the one that the application ships"
WRITTEN: Final = "a credential is written in a file of the pipeline"
_LOOK: Final = "look whether it opens anything outside of the run"
_SECRET: Final = r"(?:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|(?:PRIVATE|DEPLOY|SSH|SIGNING|ENCRYPTION|ACCESS|JWT)_KEY)"
_SECRET_NAME: Final = rf"\w*{_SECRET}\w*"
_PRINTS: Final = re.compile(
    r"(?i)\b(?:echo|printf|cat\s*<<<|print|Write-Host|Write-Output)\b(?![^|;&\n]*(?:>>?\s*[\"']?\$?\{?(?:GITHUB_ENV|GITHUB_OUTPUT|[\w./~-]+)|\|\s*(?:(?:sudo\s+)?(?:docker|podman|buildah|skopeo)\s+login|base64\s+-d|gpg|ssh-add|gh\s+auth|tr\b|openssl|helm|npm|kubectl|oc\s|podman\s+login|sha256sum|wc|xargs|cut|age\b|psql)))"
    r"[^\n|;&]*(?:\$\{\{\s*secrets\.[\w.-]+\s*\}\}|\$\{?" + _SECRET_NAME + r"\b(?!:0:[1-8]\}|:?\+[^$}]*\})\}?)"
)
_DUMPS: Final = re.compile(
    r"(?i)(?:^|run:\s*\|?|[;&]\s*|-\s+)\s*(?:printenv|env|set|export\s+-p)\s*(?:$|\|\s*(?:sort|cat)\s*$|\|\s*grep\s+(?!-\w*[qc])[^|;&>]*$)|toJSON\(\s*secrets\s*\)|toJSON\(\s*env\s*\)|\bp?print\((?:[\w.]*dumps\()?(?:dict\()?os\.environ\b(?!\.(?:get|keys)|\[)"
)
_AWAY: Final = re.compile(r"\|[^|]*>\s*/dev/null")
"""What a pipe ends with whose last command is asked for its exit code alone."""
_PARENTHESES: Final = re.compile(r"(\$\(|\(|\))")
_SEPARATES: Final = re.compile(r"[|;&<>]+")
_CAPTURED: Final = re.compile(r"\w=[\"']?\$+\(\s*(?:echo|printf)\b|<<<")
_INTO_FILE: Final = re.compile(r"[^&\d]>>?\s*[\"']?[$~{}\w./-]+[\"']?\s*$")
_TO_READ: Final = re.compile(r"(?i)(?:^|/)(?:examples?|docs?|samples?|tutorials?)/")
"""What is there to be read is not shipped."""
_MASKED: Final = re.compile(r"\bwith(?:Credentials|Vault|AWS)\s*\(|\bcredentials\(\s*['\"]")
"""Where Jenkins itself gives out the secrets: it puts asterisks for them in the log."""
_TRACES: Final = re.compile(r"(?:^|\s|&&|;|\|)\s*(?:set\s+-\w*x|bash\s+-\w*x)\b")
_TRACES_NO_MORE: Final = re.compile(r"(?:^|\s|&&|;|\|)\s*set\s+\+\w*x\b")
_SAYS_SECRET: Final = re.compile(r"(?i)secrets\.|\$\{?" + _SECRET_NAME)
_PAIR: Final = re.compile(
    r"^\s*-?\s*(?:export\s+|ENV\s+|ARG\s+)?[\"']?([A-Za-z_][\w.-]*)[\"']?\s*[:=]\s*[\"']?([^\s\"'#]+)[\"']?\s*(?:\\)?$"
)
_SENT: Final = re.compile(
    r"(?i)(?:authorization\s*:\s*(?:bearer|token|basic)|(?:x-)?api-?key\s*:|(?:private|deploy|x-auth|x-vault)-token\s*:)\s+(?=[^\s\"']*\d)([A-Za-z0-9+/=_.~-]{16,})"
)
"""A header with its value in the command: ``-H "Authorization: Bearer 7f9a1c…"``."""
_GIVEN: Final = re.compile(
    r"(?:\blogin\b[^|;&\n]*\s(?:-p|--password)|\bsshpass\s+-p|\s--(?:password|token|api-key|secret))[ =][\"']?(?=[^\s\"']*\d)([\w+/=.~@#%^*!-]{10,})"
)
"""A literal behind a command's option: ``docker login -u deploy -p f8Zk39…``."""
_PUT: Final = re.compile(r"""\b(?:echo|printf)\s+["']?([A-Za-z_]\w*)=([^\s"'$`{]{8,})["']?\s*>>?""")
"""A literal that is put into a file of settings: ``echo "JWT_SECRET_KEY=f8Zk39…" >> .env``."""
_ENV_PAIR: Final = re.compile(r"(?:^\s*(?:ENV|ARG)\s+)([A-Za-z_]\w*)\s+[\"']?([^\s\"'=]+)[\"']?$")
_FAKE: Final = re.compile(
    rf"(?i){STANDS_IN}|^[^A-Za-z0-9]+$|^\{{\w+\}}$|(?:^|[_-])test(?:s|ing)?(?:[_-]|$)|^\$|\$\{{|^\{{env:|^<|to_?fill|fill_?me|^todo|0123456789|1234567890|^(?:true|false|none|null|yes|no|read|write|\d{{1,4}}|/[\w/.-]*|https?://.*|test|password|postgres|root|guest|secret|inherit|required|optional)$|^[a-z]+/[\w/-]+$|^!|^\*|^file:|^/run/|^(?:op|vault|ssm|awssm|gcpsm|azurekv|doppler|bws)://"
)
_OF_A_SERVER: Final = re.compile(
    r"POSTGRES_PASSWORD|(?:MYSQL|MARIADB)_\w*PASSWORD|^PGPASSWORD$|MONGO_INITDB_ROOT_PASSWORD|RABBITMQ_DEFAULT_PASS|MINIO_(?:ROOT_PASSWORD|SECRET_KEY)",
    re.IGNORECASE,
)
"""What a server's own image reads when it starts: in a pipeline that server is thrown away with the run."""
_ADDRESS: Final = re.compile(r"\w+://[^:/@\s$]+:([^@\s/$]{10,})@(?!localhost|127\.)[\w-]+\.[\w.-]*[a-z]{2,}")
"""A password in an address, before a host that has a name of its own."""
_NAMED: Final = re.compile(_SECRET)
_OPENS: Final = re.compile(r"(?!\w*(?:CACHE|PUBLIC|SORT|PARTITION|ROUTING)_KEY)[A-Z][A-Z0-9_]*_KEY$")
"""A variable that is called somebody's key; whether it is one, the look of its value says."""
_LONGEST_COMMAND: Final = 30
"""Lines of one command."""
_LONGEST_BLOCK: Final = 100
"""Lines between braces that go into one file."""
_KINDS: Final = ("workflow", "compose", "dockerfile", "build", "env")

_FOR_TESTS: Final = re.compile(r"(?:^|/)(?:pytest|tox)\.ini$")


def detect(app: App) -> Iterator[Hit]:
    """Commands that print secrets, literals under telling names, and a test secret that is the shipped default."""
    facts = source_of(app)
    for file in facts.files_of(*_KINDS):
        if file.kind == "env" and re.search(
            r"(?i)example|sample|template|\.model$|dist$|\.tests?$|(?:^|/)tests?\.env$|(?:^|/)tests?/", file.path
        ):
            continue
        yield from _in_file(file)
    yield from _shared_with_tests(facts)


def _in_file(file: TextFile) -> Iterator[Hit]:
    servers = _passwords_of_servers(file) if file.kind == "compose" else frozenset[str]()
    around = wide = False
    desk = is_of_one_desk(file)
    ends = (
        file.kind == "compose" and OF_A_PIPELINE.search(file.path) is not None
    )  # all that it starts ends with the run
    masked = file.path.rpartition("/")[2].startswith("Jenkinsfile") and any(map(_MASKED.search, file.lines))
    told: set[str] = set()
    steps = list(steps_of(file))
    if file.kind in ("workflow", "build") and not masked:
        yield from (Hit(PRINTED, line.span) for line in shown_files(steps))
    for plain in steps:
        step = spelled_out(plain)
        if not step.is_item:
            # ``env:`` of the job, for every step of it: the line ``steps:`` alone begins no job; that of the workflow, for all
            wide = wide or (step.text.startswith("env:") and "secrets." in step.text)
            around = wide or "secrets." in step.text or (around and step.text.strip() == "steps:")
        secrets_here = around or "secrets." in plain.text or _NAMED.search(step.text) is not None
        for number, line in enumerate(step.lines):
            printed = file.kind in ("workflow", "build") and not masked and _is_printed(line, secrets_here)
            if printed and not _is_kept(step, number):
                yield Hit(PRINTED, line.span)
            elif file.kind in ("workflow", "build") and _is_in_address(line.text) and line.text not in told:
                told.add(line.text)
                yield Hit(WRITTEN, line.span, certainty="likely")
            elif _is_written(file, line) and not desk and not _says(line, servers):
                marked = first_format(line.text) is not None
                drawn = marked or is_drawn(_value(line))
                if (said := _value(line)) in told:
                    continue  # one secret, wherever else the file hands it on
                told.add(said)
                if marked or (drawn and not ends):
                    yield Hit(WRITTEN, line.span, certainty="certain" if marked else "likely")
                else:
                    yield Hit(f"{WRITTEN}: {_LOOK}", line.span, certainty="possible", severity="low")


def _is_in_address(text: str) -> bool:
    """``DATABASE_URL: postgres://app:f8Zk39…@db.example.org/app``, of a server that does not end with the run."""
    found = _ADDRESS.search(text)
    return found is not None and _FAKE.search(found[1]) is None and re.search(r"\d", found[1]) is not None


def _continued(lines: Sequence[Line], number: int) -> str:
    """The line with those that a backslash or a pipe at its end adds, or a ``$(`` that it leaves open."""
    text = lines[number].text
    for more in lines[number + 1 : number + _LONGEST_COMMAND]:
        if text.endswith("\\"):
            text = f"{text[:-1]} {more.text.strip()}"
        elif text.rstrip().endswith("|"):
            text = f"{text.rstrip()} {more.text.strip()}"
        elif _open_substitutions(text):
            text = f"{text} {more.text.strip()}"
        else:
            break
    return text


def _open_substitutions(text: str) -> int:
    """How many ``$(`` of the text are not closed in it."""
    deep = 0
    for sign in _PARENTHESES.findall(text):
        deep = max(deep - 1, 0) if sign == ")" else deep + (sign == "$(" or deep > 0)
    return deep


def _as_one_command(text: str) -> str:
    """The text with each ``$(…)`` as mere words of the command around it: that one prints them, or does not."""
    found, deep = "", 0
    for part in _PARENTHESES.split(text):
        if part == ")":
            deep = max(deep - 1, 0)
        elif part in ("$(", "("):
            deep += part == "$(" or deep > 0
        else:
            found += _SEPARATES.sub(" ", part) if deep else part
    return found


def _is_kept(step: Step, number: int) -> bool:
    """That what is printed goes into a variable, ``X=$(echo …)``, or into a file with all of its block, ``{ … } > file``. What stands in
    a ``$(…)`` that an earlier line opened is judged there."""
    earlier = "\n".join(line.text for line in step.lines[max(0, number - _LONGEST_COMMAND) : number])
    if _traces_no_secret(step, number) or _open_substitutions(earlier):
        return True
    whole = _continued(step.lines, number)
    if (
        _CAPTURED.search(whole)
        or _INTO_FILE.search(whole)
        or (
            _PRINTS.search(step.lines[number].text)
            and any(_PRINTS.search(said) is None for said in (whole, _as_one_command(whole)))
        )
    ):
        return True
    if not any(line.text.strip() == "{" for line in step.lines[max(0, number - _LONGEST_BLOCK) : number]):
        return False
    after = step.lines[number + 1 : number + _LONGEST_BLOCK]
    closed = next((line.text.strip() for line in after if line.text.strip()[:1] in ("}", "{")), "")
    return re.match(r"\}\s*>", closed) is not None


def _traces_no_secret(step: Step, number: int) -> bool:
    """``set -x`` that ``set +x`` ends again, with no secret in the commands between: what only stands in the environment is not shown."""
    if _TRACES.search(step.lines[number].text) is None:
        return False
    after = step.lines[number + 1 :]
    closed = next((place for place, line in enumerate(after) if _TRACES_NO_MORE.search(line.text)), None)
    return closed is not None and not any(_SAYS_SECRET.search(line.text) for line in after[:closed])


def _is_printed(line: Line, secrets_here: bool) -> bool:
    kept = "::add-mask::" in line.text or _AWAY.search(line.text) is not None
    if not kept and _speaks_of_secrets(line.text) and _PRINTS.search(line.text):
        return True
    return secrets_here and (_DUMPS.search(line.text) is not None or _TRACES.search(line.text) is not None)


def _speaks_of_secrets(text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in ("token", "secret", "pass", "key", "jwt", "pwd", "api"))


def _passwords_of_servers(file: TextFile) -> frozenset[str]:
    """What the servers of a compose file start with: that it stands there is told where the server is, and once."""
    pairs = [_PAIR.match(line.strip()) for line in file.lines]
    return frozenset(pair[2] for pair in pairs if pair is not None and _OF_A_SERVER.search(pair[1]))


def _says(line: Line, values: frozenset[str]) -> bool:
    pair = _PAIR.match(line.text)
    return pair is not None and pair[2] in values


def _value(line: Line) -> str:
    """What is written there: the value of a pair, else the line."""
    pair = _PAIR.match(line.text) or _ENV_PAIR.match(line.text) or _PUT.search(line.text)
    return pair[2] if pair is not None else line.text.strip()


def _is_written(file: TextFile, line: Line) -> bool:
    marked = first_format(line.text)
    if marked is not None and not marked[0].startswith("pk_") and not re.search(r"(?i)example|xxxx", line.text):
        return True
    for pattern in (_SENT, _GIVEN) if file.kind in ("workflow", "build") else ():
        if (sent := pattern.search(line.text)) and not _FAKE.search(sent[1]):
            return True
    put = _PUT.search(line.text) if file.kind in ("workflow", "build") else None
    if put is not None and sensitive(put[1]) is not None and not _FAKE.search(put[2]):
        return is_drawn(put[2])
    if not _speaks_of_secrets(line.text):
        return False
    pair = _PAIR.match(line.text) or _ENV_PAIR.match(line.text)
    if pair is None or _FAKE.search(pair[2]) or len(pair[2]) < 6:
        return False
    if _FOR_TESTS.search(file.path) and "test" in pair[2].lower():
        return False  # the settings that a test run makes up for itself
    kind = sensitive(pair[1])
    return (
        (kind is not None or is_key_name(pair[1]) or (_OPENS.match(pair[1]) is not None and is_drawn(pair[2])))
        and not re.search(r"(?i)_FILE$|^(?:\w+_)?TESTS?_", pair[1])
        and not _OF_A_SERVER.search(pair[1])
    )


def _shared_with_tests(facts: SourceFacts) -> Iterator[Hit]:
    """A signing secret of the tests that equals the one the application falls back to."""
    shipped: set[str] = set()
    for write in facts.config_writes("SECRET_KEY", "JWT_SECRET_KEY"):
        if _TO_READ.search(write.span.path):
            continue
        shipped |= {one.value for one in literals(write.value) if isinstance(one.value, str) and one.value}
    if not shipped:
        return
    for write in facts.config_writes("SECRET_KEY", "JWT_SECRET_KEY", tests=True):
        if (
            facts.is_test(write.span)
            and isinstance(write.value, Constant)
            and write.value.value in shipped
            and write.value.span
            and write.span.holds(write.value.span)
        ):
            yield Hit(_SHARED, write.span)
    yield from _in_settings_of_tests(facts, frozenset(one for one in shipped if len(one) > 7))


def _in_settings_of_tests(facts: SourceFacts, shipped: frozenset[str]) -> Iterator[Hit]:
    """The same secret where the environment of the tests is set: in ``pytest.ini`` and the pipeline, or by the tests themselves."""
    for file in facts.files_of("workflow", "build") if shipped else ():
        for step in steps_of(file):
            for line in step.lines:
                pair = _PAIR.match(line.text)
                if pair is not None and pair[2] in shipped:
                    yield Hit(_SHARED, line.span)
    for call in facts.calls("*.setenv", "*.setdefault", tests=True):
        if facts.is_test(call.span) and len(call.args) > 1 and text_of(call.args[1]) in shipped and call.span:
            yield Hit(_SHARED, call.span)
    for one in facts.assignments(tests=True):
        if facts.is_test(one.span) and one.target.startswith("[") and text_of(one.value) in shipped:
            yield Hit(_SHARED, one.span)
    for callee, shape in ENCODING.items() if shipped else ():
        for call in facts.calls(callee, tests=True):
            if facts.is_test(call.span) and call.span and text_of(call.argument(shape.key, "key")) in shipped:
                yield Hit(_SHARED, call.span)


def fix(app: App, hit: Hit) -> Edit | None:
    """The secret of the repository with that name, in place of a literal of a workflow of GitHub."""
    span = hit.span
    if span is None or not hit.message.startswith(WRITTEN) or not span.path.startswith(".github/workflows/"):
        return None
    found = (one for one in source_of(app).files_of("workflow") if one.path == span.path)
    edit = next((from_variable(one, span.line, "${{{{ secrets.{} }}}}") for one in found), None)
    return (
        None if edit is None or "SECRETS.GITHUB_" in edit.text.upper() else edit
    )  # GitHub keeps those names for itself


RULE = Rule(
    slug="credential-in-ci-config",
    family="ci",
    title="Credential printed or written in a pipeline's files",
    harm=__doc__ or "",
    severity="medium",
    check="data-exposure",
    cwe=(532,),
    owasp="API8:2023",
    asvs=("V13.3.1",),
    surfaces=("source",),
    ends="Stopper's command `stopper secrets check` finds secrets that lie in the repository.",
    certainty="likely",
    detect=detect,
    fix=fix,
    repeats=("secret-in-deployment-file", "private-key-in-repository"),
    reads_tests=True,
)
