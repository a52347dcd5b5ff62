"""Words that only their reader may see: WhatsApp gets them whole, everybody who looks at the thread sees them masked.

A number that the assistant gives to one member must not be read by all who may read his conversation, search it or
export it. So `body` is what may be shown, and the words themselves lie encrypted in the payload until they are sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.encryption import decrypt, encrypt

SEALED = "sealed"


def sealed(words: str) -> dict[str, str]:
    """The payload of a message whose body shows less than it says."""
    return {SEALED: encrypt(words)}


def words_to_send(body: str, payload: Mapping[str, Any]) -> str:
    """What WhatsApp is given: the sealed words where there are any, else the body."""
    return decrypt(payload[SEALED]) if payload.get(SEALED) else body
