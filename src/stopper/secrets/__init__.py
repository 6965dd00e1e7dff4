"""Where secrets come from: ``from stopper.secrets import Secrets``.

A service declares references, never values; the values are loaded at the start, kept fresh and printed as ``***``.
"""

from stopper.secrets.backend import Backend, Document, Lease
from stopper.secrets.backends import Access, VaultAccess
from stopper.secrets.errors import FetchError, SecretLoadError, SecretUnavailableError
from stopper.secrets.held import Pace
from stopper.secrets.loading import load, open_secrets
from stopper.secrets.reference import NotAReferenceError, Reference, parse
from stopper.secrets.store import Secrets
from stopper.secrets.versions import Versions

__all__ = [
    "Access",
    "Backend",
    "Document",
    "FetchError",
    "Lease",
    "NotAReferenceError",
    "Pace",
    "Reference",
    "SecretLoadError",
    "SecretUnavailableError",
    "Secrets",
    "VaultAccess",
    "Versions",
    "load",
    "open_secrets",
    "parse",
]
