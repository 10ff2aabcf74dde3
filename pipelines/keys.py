"""The warehouse's key: visitors are hashed under it, so that no address can be guessed back.

From ``$PLAYERPATH_KEY`` (the key itself, or ``secretsmanager://NAME``), else from a file beside the warehouse
that the first run makes, readable by its owner only.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from pipelines.errors import PlayerpathError

LEAST_CHARACTERS = 16
SECRET_PREFIX = "secretsmanager://"  # noqa: S105 the scheme of a URI


def load_key(warehouse_file: Path | None) -> bytes:
    """Give the key, making the key file on first use.

    Raises:
        PlayerpathError: too short, unreadable, or no place to keep it.
    """
    given = os.environ.get("PLAYERPATH_KEY")
    if given:
        text = _secret(given.removeprefix(SECRET_PREFIX)) if given.startswith(SECRET_PREFIX) else given
        return _checked(text, "$PLAYERPATH_KEY")
    if warehouse_file is None:
        raise PlayerpathError(
            "no key: a database server's warehouse wants $PLAYERPATH_KEY (text, or secretsmanager://NAME)"
        )
    path = warehouse_file.with_suffix(".key")
    try:
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32) + "\n")
        return _checked(path.read_text().strip(), str(path))
    except OSError as error:
        raise PlayerpathError(f"cannot keep the key in {path}: {error.strerror}") from None


def fingerprint(key: bytes) -> str:
    """Give what is recorded of a key: enough to tell another one, nothing to find it by."""
    return hashlib.sha256(b"playerpath key\0" + key).hexdigest()[:16]


def _checked(text: str, place: str) -> bytes:
    if len(text) < LEAST_CHARACTERS:
        raise PlayerpathError(
            f"key in {place}: wanted {LEAST_CHARACTERS} characters or more, found {len(text)}"
        )
    return text.encode()


def _secret(name: str) -> str:
    import boto3  # only here: no other run pays for it
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return str(boto3.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
    except (BotoCoreError, ClientError, KeyError) as error:
        raise PlayerpathError(f"key: cannot read the secret {name!r}: {error}") from None
