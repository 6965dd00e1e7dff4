"""Secrets in environment variables; in mode dev also in a ``.env`` file."""

from collections.abc import Callable, Mapping
from pathlib import Path

from stopper.core.secret import Secret
from stopper.secrets import dotenv
from stopper.secrets.backend import Document
from stopper.secrets.errors import FetchError


class EnvBackend:
    """Reads the environment anew each time. *env_file*: what may stand in for it, None outside of development."""

    def __init__(self, environ: Mapping[str, str], env_file: Path | None = None) -> None:
        self._environ: Callable[[str], str | None] = environ.get
        self._env_file = env_file

    def read(self, path: str) -> Document:
        """The variable *path*; the real environment wins over the file."""
        found = self._environ(path)
        if not found and self._env_file is not None:
            held = dotenv.read(self._env_file).get(path)
            if held is not None:
                return Document(held, changed=self._env_file.stat().st_mtime)
        if not found:
            raise FetchError("missing", f"{path} is not set; set it{self._where()}, or declare another reference")
        return Document(Secret(found))

    def read_previous(self, path: str, current: Document) -> Document | None:
        """An environment keeps no versions."""
        return None

    def close(self) -> None:
        """Nothing is held."""

    def _where(self) -> str:
        if self._env_file is not None:
            return f" in the environment or in {self._env_file.name}"
        return " in the environment (a .env file is read in mode dev only)"
