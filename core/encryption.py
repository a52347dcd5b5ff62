"""Fields that are ciphertext in the database: tokens, app secrets, bank account numbers, national ids.

Keys come from FIELD_KEYS, newest first: the first encrypts, all decrypt, `manage.py rotate_field_keys` rewrites rows
under the first so that an old key can be dropped. They are not derived from SECRET_KEY: rotating one never loses the
other. Equality search goes through a keyed digest (`blind_index`), never through the ciphertext.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models

# On while keys are rotated: the same secret in another ciphertext is no change of what a row says.
ROTATING_SETTING = "majlis.rotating"


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def fernet() -> MultiFernet:
    """The present keys, newest first."""
    return _fernet(tuple(settings.FIELD_KEYS))


def encrypt(plain: str) -> str:
    """Ciphertext under the newest key; empty stays empty."""
    return fernet().encrypt(plain.encode()).decode() if plain else ""


def decrypt(ciphertext: str) -> str:
    """What was encrypted under any present key. Raises cryptography.fernet.InvalidToken when no key fits."""
    return fernet().decrypt(ciphertext.encode()).decode() if ciphertext else ""


def rotate(ciphertext: str) -> str:
    """The same secret under the newest key."""
    return fernet().rotate(ciphertext.encode()).decode() if ciphertext else ""


def blind_index(plain: str) -> str:
    """A keyed digest (64 hex digits) by which an encrypted value can be found again but not read."""
    return hmac.new(settings.BLIND_INDEX_KEY.encode(), plain.encode(), hashlib.sha256).hexdigest() if plain else ""


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that is encrypted on its way into the database. It can be neither searched nor ordered by."""

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return None if value is None else decrypt(value)

    def get_prep_value(self, value: str | None) -> str | None:
        return None if value is None else encrypt(str(value))

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name not in {"isnull"}:
            raise TypeError(f"{self.name} is encrypted: search its blind index instead.")
        return super().get_lookup(lookup_name)
