"""Modules and packages that stand in no package: a folder on ``PYTHONPATH`` could give any of them."""

import sys
from collections.abc import Collection
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from typing import Final

from stopper.scan.source.files import SourceFile

LIBRARIES: Final = sys.stdlib_module_names | {
    "flask", "werkzeug", "jinja2", "itsdangerous", "click", "jwt", "jose", "authlib", "requests", "httpx", "redis", "celery", "rq",
    "sqlalchemy", "marshmallow", "pydantic", "wtforms", "connexion", "quart", "passlib", "bcrypt", "cryptography", "yaml", "openai",
    "flask_login", "flask_wtf", "flask_cors", "flask_limiter", "flask_sqlalchemy", "flask_restful", "flask_restx", "flask_session",
}  # fmt: skip
"""What a module inside a package cannot mean by these names is a file beside it."""


@dataclass(slots=True)
class LooseModules:
    """Each by its name, with the folders that have one of that name."""

    folders: dict[str, list[str]] = field(default_factory=dict[str, "list[str]"])

    def file_of(self, tail: str, sources: MappingType[str, SourceFile], tests: Collection[str]) -> str | None:
        """The one file of the project that ``import utilities`` could mean, which stands in another folder; None where there are several."""
        top = tail.partition("/")[0]
        if top in LIBRARIES:
            return None
        if not self.folders:
            self._look(sources)
        found = self.folders.get(top, ())
        if len(found) != 1:
            return None
        candidates = (f"{found[0]}/{tail}/__init__.py", f"{found[0]}/{tail}.py")
        return next((one for one in candidates if one in sources and sources[one].shown not in tests), None)

    def _look(self, sources: MappingType[str, SourceFile]) -> None:
        for path in sources:
            folder, _, name = path.rpartition("/")
            if name == "__init__.py":
                folder, _, name = folder.rpartition("/")
            if f"{folder}/__init__.py" not in sources:
                self.folders.setdefault(name.removesuffix(".py"), []).append(folder)
