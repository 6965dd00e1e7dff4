"""Which secrets a service has: the declared ones, its secret settings, and what its configuration holds under telling names."""

from collections.abc import Mapping
from typing import Final

from stopper.core.errors import SettingError
from stopper.core.redactor import is_sensitive_name
from stopper.core.secret import Secret
from stopper.core.settings import declared
from stopper.secrets import declaration as setting
from stopper.secrets.backend import Backend
from stopper.secrets.backends import Access, open_backend
from stopper.secrets.errors import FetchError
from stopper.secrets.judging import Subject
from stopper.secrets.loading import access_of, own_settings
from stopper.secrets.reference import NotAReferenceError, Reference, parse

_SHORTEST: Final = 6
"""Shorter values under a telling name are switches and counts."""


class Gathering:
    """Reads the secrets of one configuration, one by one: what one lacks does not hide the others."""

    def __init__(self, config: Mapping[str, object], environ: Mapping[str, str]) -> None:
        self.subjects: list[Subject] = []
        self.errors: list[str] = []
        self._config = config
        self._environ = environ
        settings = own_settings(config, environ)
        self._declared = settings.get(setting.SECRETS)
        self._access: Access = access_of(settings, config, environ)
        self._backends: dict[str, Backend] = {}

    def gather(self) -> None:
        """Read everything. What was lent is given back at once."""
        try:
            for name, one in self._declared.items():
                self._read(name, one.current)
            for key, value in self._settings().items():
                self._take_setting(key, value)
            for key, value in self._config.items():
                if isinstance(value, (str, bytes)) and is_sensitive_name(key) and key not in declared:
                    self._take(key, "app.config", value)
        finally:
            for backend in self._backends.values():
                backend.close()

    def _settings(self) -> Mapping[str, object]:
        secret = [key for key, one in declared.items() if one.secret and key != setting.SECRETS.key]
        said = {key: self._config.get(key) or self._environ.get(key) for key in secret}
        return {key: value for key, value in said.items() if value}

    def _take_setting(self, key: str, value: object) -> None:
        text = value if isinstance(value, str) else ""
        kind, _, name = text.partition(":")
        if kind == "secret" and name in self._declared:
            self._read(key, self._declared[name].current, alias=True)
            return
        try:
            self._read(key, parse(text))
        except NotAReferenceError:
            where = "app.config" if key in self._config else "the environment"
            if isinstance(value, (str, bytes, Secret)):
                self._take(key, where, value)

    def _take(self, key: str, where: str, value: str | bytes | Secret) -> None:
        if len(value) >= _SHORTEST:
            self.subjects.append(Subject(key, where, Secret(value)))

    def _read(self, name: str, reference: Reference, *, alias: bool = False) -> None:
        try:
            document = self._backend(reference.scheme).read(reference.path)
            value = document.pick(reference.key)
        except (FetchError, SettingError) as wrong:
            self.errors.append(f"the secret {name} ({reference}) could not be loaded: {wrong}")
            return
        self.subjects.append(Subject(name, str(reference), value, document.changed, document.lease is not None, alias))

    def _backend(self, scheme: str) -> Backend:
        if scheme not in self._backends:
            self._backends[scheme] = open_backend(scheme, self._access)
        return self._backends[scheme]
