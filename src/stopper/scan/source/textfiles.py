"""The files beside the code that can hold or leak a credential: environment files,
Dockerfiles, workflows, build files, shell scripts, requirements, pages of documents, settings, templates, keys."""

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from stopper.core.fact import FileKind, TextFile
from stopper.scan.report import ReadError
from stopper.scan.source.files import load

LARGEST: Final = 4 * 1024 * 1024
KINDS: Final[tuple[tuple[re.Pattern[str], FileKind], ...]] = (
    (re.compile(r"(?:^|/)\.env(?:\.[\w.-]+)?$|(?:^|/)\.flaskenv$|\.env$"), "env"),
    (re.compile(r"(?:^|/)(?:Dockerfile|Containerfile)(?:\.[\w.-]+)?$|\.dockerfile$"), "dockerfile"),
    (re.compile(r"(?:^|/)(?:docker-)?compose[\w.-]*\.ya?ml$"), "compose"),
    (re.compile(r"(?:^|/)\.github/workflows/[^/]+\.ya?ml$|(?:^|/)\.gitlab-ci\.yml$|(?:^|/)(?:azure-pipelines|bitbucket-pipelines)\.yml$"
                r"|(?:^|/)\.circleci/config\.yml$|(?:^|/)\.travis\.yml$|(?:^|/)\.gitlab/[\w./-]+\.ya?ml$|(?:^|/)Jenkinsfile$"), "workflow"),
    (re.compile(r"(?:^|/)(?:Makefile|makefile|GNUmakefile|tox\.ini|pytest\.ini|justfile|\.pre-commit-config\.ya?ml)$"), "build"),
    (re.compile(r"(?:^|/)(?:scripts?|\.?ci|bin|tools?|hack|deploy(?:ment)?|ops|infra|cron(?:jobs?)?)/[\w.-]+\.(?:sh|bash)$"
                r"|(?:^|/)(?:docker-?)?(?:entrypoint|start|run|boot|launch|serve|setup|init|install|deploy|provision|gen|backup|restore|release|publish|upload|sync|env)[\w-]*\.(?:sh|bash)$"
                r"|(?:^|/)[\w-]*(?:ci|security|scan|audit|lint|check|test|smoke|keys?)[\w-]*\.(?:sh|bash)$"), "shell"),
    (re.compile(r"(?:^|/)[\w.-]*requirements[\w.-]*\.(?:txt|in)$|(?:^|/)requirements/[\w.-]+\.(?:txt|in)$|(?:^|/)constraints[\w.-]*\.txt$"
                r"|(?:^|/)(?:poetry|uv|pdm|Pipfile)\.lock$|(?:^|/)(?:pyproject\.toml|Pipfile|setup\.cfg|setup\.py|environment\.ya?ml)$"), "requirements"),
    (re.compile(r"(?:^|/)README[\w.-]*\.(?:md|rst)$|(?:^|/)docs?/(?:[\w.-]+/)*[\w.-]+\.(?:md|rst)$"
                r"|(?i:(?:^|/)[\w.-]*(?:postman|insomnia|bruno)[\w.-]*(?:/[\w.-]+)*\.json$)|\.(?:http|rest)$"), "docs"),
    (re.compile(r"(?:^|/)Procfile$"), "procfile"),
    (re.compile(r"(?i)(?:^|/)[\w.-]*(?:openapi|swagger)[\w.-]*\.(?:json|ya?ml)$|(?:^|/)[\w-]*(?:openapi|swagger|specs?|specifications?)/(?:v\d+/)?[\w.-]+\.(?:json|ya?ml)$"
                r"|(?:^|/)(?:api|spec|api[_-]?spec)\.ya?ml$"), "openapi"),
    (re.compile(r"\.(?:html|htm|j2|jinja|jinja2)$"), "template"),
    (re.compile(r"\.js$"), "script"),
    (re.compile(r"(?:^|/)[\w.-]*(?:schema|seed|init|setup|bootstrap|fixtures?|data|users?|people|accounts?|tables?|create|structure|keys?)[\w.-]*\.sql$"
                r"|(?:^|/)(?:migrations?|sql|db|database|schemas?)/(?:[\w.-]+/)*[\w.-]+\.sql$"), "sql"),
    (re.compile(r"\.(?:pem|key|p12|pfx|pub)$|(?:^|/)(?:id|[\w.-]+)_(?:rsa|ecdsa|ed25519|dsa)$|(?:^|/)(?:id_[\w-]+|[\w-]*(?:deploy|private|ssh|signing)[_-]?key)$"
                r"|(?:^|/)(?:keys?|certs?|certificates|pki|ssl|tls|secrets?|\.ssh)/[\w-]+$"), "key"),
    (re.compile(r"(?i)(?:^|/)[\w.-]*(?:service[-_]?account|credentials?|adminsdk|firebase|gcp|jwks?|key[-_]?file|private[-_]?keys?)[\w.-]*\.json$"), "config"),
    (re.compile(r"(?:^|/)(?:k8s|kubernetes|kube|manifests?|helm|charts?|ansible|group_vars|host_vars|terraform)/(?:[\w.-]+/)*[\w.-]+\.ya?ml$"
                r"|(?:^|/)\.ebextensions/[\w.-]+\.config$|(?:^|/)(?:zappa_settings|vercel|now|[\w-]*task[_-]?def(?:inition)?s?[\w-]*)\.json$|(?:^|/)alembic\.ini$"
                r"|(?:^|/)(?:apprunner|\.platform\.app)\.ya?ml$|(?:^|/)(?:railway|wrangler)\.toml$"), "deployment"),
    (re.compile(r"(?:^|/)(?:gunicorn|uwsgi|nginx)[\w.-]*\.(?:conf|ini|py)$|(?:^|/)nginx/(?:[\w.-]+/)*[\w.-]+\.conf$|(?:^|/)\.?(?:conf(?:ig)?|settings|secrets|logging)[\w.-]*\.(?:ini|cfg|ya?ml|toml|json)$"
                r"|\.(?:cfg|ini)$|(?:^|/)(?:config|conf|settings|instance)/[\w.-]+\.(?:ya?ml|toml|json|ini)$"
                r"|(?:^|/)(?:app|application|flask)(?:[_-]config|[_-]settings)?\.(?:ya?ml|toml|json|ini)$"), "config"),
    (re.compile(r"(?:^|/)(?:k8s|kubernetes|kube|manifests?|helm|charts?|deploy(?:ment)?s?|infra(?:structure)?|ops|ansible|group_vars|host_vars|terraform)/(?:[\w.-]+/)*[\w.-]+\.ya?ml$"
                r"|(?:^|/)(?:k8s|kubernetes|deployment|secrets?|configmap|values|serverless|render|fly|traefik|cloudformation)[\w.-]*\.(?:ya?ml|toml)$"
                r"|\.(?:service|tf|tfvars)$|(?:^|/)(?:supervisord?|httpd|apache2?|haproxy)[\w.-]*\.conf$|(?:^|/)Caddyfile$"
                r"|(?:^|/)(?:apache2?|httpd|sites-(?:available|enabled)|vhosts?)/(?:[\w.-]+/)*[\w.-]+\.conf$"), "deployment"),
    (re.compile(r"(?i)(?:^|/)(?:[\w-]+[-_.])?(?:api|spec|specification|api[-_]?(?:spec|docs?|definition|contract))(?:[-_.]?v\d+)?\.(?:json|ya?ml)$"), "openapi"),
    (re.compile(r"\.toml$"), "config"),
)  # fmt: skip


_ENDINGS: Final = frozenset({
    "env", "flaskenv", "dockerfile", "yml", "yaml", "json", "html", "htm", "j2", "jinja", "jinja2", "js", "sql", "pem", "key", "service", "tf", "tfvars", "Caddyfile",
    "p12", "pfx", "pub", "conf", "config", "sh", "bash", "ini", "cfg", "toml", "txt", "lock", "py", "md", "rst", "http", "rest", "Dockerfile", "Containerfile", "Jenkinsfile",
    "Makefile", "makefile", "GNUmakefile", "justfile", "Procfile", "Pipfile",
})  # fmt: skip
_NAMED: Final = re.compile(
    r"(?:\.env|Dockerfile|Containerfile)\.|.*\.env\.|id_|.*_(?:rsa|ecdsa|ed25519|dsa)$|[\w-]*[a-z][_-]?key$|[\w-]+$"
)
"""What the name of every kind has: most files beside the code have none of it, and one look says so."""


_SURE: Final[dict[str, FileKind]] = {
    "html": "template", "htm": "template", "j2": "template", "jinja": "template", "jinja2": "template", "js": "script",
}  # fmt: skip
"""Endings that leave one kind: most files of most projects have one of these."""


def kind_of(shown: str) -> FileKind | None:
    """What kind of file that is by its name, None when it does not matter."""
    name = shown.rpartition("/")[2]
    ending = name.rpartition(".")[2]
    if _NAMED.match(name) is None and (ending not in _ENDINGS or ending in _SURE):
        return _SURE.get(ending)
    for pattern, kind in KINDS:
        if pattern.search(shown):
            return kind
    return None


def read_text(path: Path, shown: str, kind: FileKind) -> TextFile | ReadError | None:
    """The file as lines, or why it was left out; None when it is binary or no file, which loses nothing that a rule could judge."""
    data = load(path, shown, LARGEST)
    if isinstance(data, ReadError):
        return replace(data, fatal=False) if os.path.isfile(path) else None
    if b"\0" in data:
        return None
    text = data.decode("utf-8", "replace")
    if kind == "template" and "{#" in text:
        text = _without_remarks(text)
    return TextFile(shown, kind, tuple(text.splitlines()))


def _without_remarks(text: str) -> str:
    """The page without what Jinja leaves out of it, its lines kept; ``{{#if`` is another language's."""
    kept: list[str] = []
    begin = after = 0
    while (at := text.find("{#", after)) >= 0:
        if at > begin and text[at - 1] == "{":
            after = at + 1
            continue
        end = text.find("#}", at + 2)
        if end < 0:
            break
        kept += (text[begin:at], "\n" * text.count("\n", at, end))
        begin = after = end + 2
    return "".join((*kept, text[begin:]))


_SERVES: Final = re.compile(
    r"(?:operationId|x-[\w-]*router-controller|x-\w+(?:Info|Validate)Func)[\"']?\s*:\s*[\"']?([A-Za-z_][\w.]*)|^\s*[\"']?/([\w-]+)"
)


def documented_modules(documents: Sequence[TextFile]) -> tuple[str, ...]:
    """The ends, each from a dot on, of the names of modules that these documents may speak of: where operations are answered, and what a
    resolver makes of the first word of a path."""
    found: dict[str, None] = {}
    for text in documents:
        for line in text.lines:
            for said, word in _SERVES.findall(line):
                found[f".{said or word.replace('-', '_')}"] = None
                found[f".{said.rpartition('.')[0]}"] = None
    return tuple(one for one in found if one != ".")
