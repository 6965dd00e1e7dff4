"""Private keys at rest: AES-256-GCM under a key from a file that only its owner reads."""

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stopper.core.errors import KeyringError
from stopper.core.secret import Secret

_SIZE: Final = 32
FILE_NAME: Final = "master.key"


class Sealer:
    """Encrypts and decrypts with one key-encryption key."""

    def __init__(self, key: bytes) -> None:
        """*key*: 32 random bytes."""
        if len(key) != _SIZE:
            raise KeyringError(f"a key-encryption key has {_SIZE} bytes, not {len(key)}")
        self._cipher = AESGCM(key)
        self._key = key

    def derive(self, purpose: str) -> Secret:
        """32 bytes for another purpose (HKDF-SHA-256, RFC 5869); they tell nothing of the key itself."""
        return Secret(HKDF(hashes.SHA256(), _SIZE, None, b"stopper master key: " + purpose.encode()).derive(self._key))

    def seal(self, plain: bytes, what: str) -> bytes:
        """*plain* encrypted; *what* names its place and must be the same when it is opened."""
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, plain, what.encode())

    def open(self, sealed: bytes, what: str) -> bytes:
        """The plain bytes again. Raises KeyringError where the key or the place is another one."""
        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], what.encode())
        except (InvalidTag, ValueError):
            raise KeyringError(
                f"{what} was encrypted under another key file; restore the {FILE_NAME} that belongs to this database"
            ) from None


def sealer_from_file(path: Path) -> Sealer:
    """The sealer of *path*; the file is made on first use: 32 random bytes, mode 0600, written whole or not at all.

    Raises KeyringError for a file that others can read, that is half written or that cannot be read.
    """
    try:
        if not path.exists():
            _write_new(path)
        mode = stat.S_IMODE(path.stat().st_mode)
        key = path.read_bytes()
    except OSError as wrong:
        raise KeyringError(f"{path}: {wrong.strerror}; give its owner the right to read and write it") from None
    if os.name == "posix" and mode & 0o077:
        raise KeyringError(f"{path}: others can read it (mode {mode:04o}); run: chmod 600 {path}")
    if len(key) != _SIZE:
        raise KeyringError(f"{path}: holds {len(key)} bytes instead of {_SIZE}; restore it from your backup")
    return Sealer(key)


def _write_new(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    handle = os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(os.urandom(_SIZE))
            file.flush()
            os.fsync(file.fileno())
        # A link, not a rename: where two processes start together the first one's key stays.
        with contextlib.suppress(FileExistsError):
            os.link(half, path)
    finally:
        half.unlink()
    if os.name == "posix":  # elsewhere a folder cannot be opened
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
