"""Uploaded and received files: digit ids, URLs that live five minutes, bytes that need the bearer token."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from . import ids
from .errors import GraphError, UnknownObject
from .world import Json, World

MB = 1024 * 1024
URL_LIVES = 300
KEPT_BYTES = 512 * MB

# A family of types may be at most this large; what is in none of them is refused.
ALLOWED: dict[str, tuple[int, tuple[str, ...]]] = {
    "image": (5 * MB, ("image/jpeg", "image/png")),
    "audio": (16 * MB, ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/opus")),
    "video": (16 * MB, ("video/mp4", "video/3gpp", "video/3gp")),
    "sticker": (500 * 1024, ("image/webp",)),
    "document": (
        100 * MB,
        (
            "text/plain", "application/pdf", "application/msword", "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ),
    ),
}  # fmt: skip


@dataclass(slots=True)
class Media:
    """One stored file of one business number."""

    id: str
    number_id: str
    mime_type: str
    data: bytes
    filename: str = ""

    @property
    def sha256(self) -> str:
        """Hex, as the media endpoint answers it."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def sha256_base64(self) -> str:
        """Base64, as webhooks carry it: Meta uses both, and a client must not compare the two as text."""
        return base64.b64encode(hashlib.sha256(self.data).digest()).decode()


class MediaStore:
    """All files of the sandbox, the oldest dropped when they get too many."""

    def __init__(self, world: World, public_url: str) -> None:
        self.world = world
        self.public_url = public_url
        self._media: dict[str, Media] = {}
        self._bytes = 0
        self._key = secrets.token_bytes(16)
        self._expected: dict[str, int] = {}

    def add(self, number_id: str, mime_type: str, data: bytes, filename: str = "") -> Media:
        """Keep a file and give it an id."""
        media = Media(ids.object_id(), number_id, mime_type, data, filename)
        self._media[media.id] = media
        self._bytes += len(data)
        while self._bytes > KEPT_BYTES and len(self._media) > 1:
            self._bytes -= len(self._media.pop(next(iter(self._media))).data)
        return media

    def upload(self, number_id: str, mime_type: str, data: bytes, filename: str) -> Media:
        """Keep a file that a business uploads, if Meta would take its type and size."""
        bare = mime_type.split(";")[0].strip().lower()
        largest = next((limit for limit, types in ALLOWED.values() if bare in types), None)
        if largest is None:
            raise GraphError(
                100,
                message=f"(#100) Param file must be a file with one of the following types: {_types()}. "
                f"Received file of type '{mime_type}'.",
            )
        if len(data) > largest:
            raise GraphError(131053, f"The file is larger than the {largest} bytes allowed for {bare}.")
        return self.add(number_id, mime_type, data, filename)

    def expect(self, length: int, mime_type: str) -> str:
        """Open a session for the example of a template: its id."""
        if length <= 0 or not any(mime_type in types for _, types in ALLOWED.values()):
            raise GraphError(100, message="(#100) file_length and file_type are required.")
        session = f"upload:{ids.object_id()}"
        self._expected[session] = length
        return session

    def take(self, session: str, data: bytes) -> str:
        """The bytes of a session; a template names them by this handle."""
        if self._expected.pop(session, None) != len(data):
            raise GraphError(100, message="(#100) The upload session is unknown, or its length is another.")
        return f"4::{base64.b64encode(session.encode()).decode()}:{hashlib.sha256(data).hexdigest()[:16]}"

    def find(self, media_id: str) -> Media | None:
        """The file with this id, if it is one."""
        return self._media.get(media_id)

    def delete(self, media_id: str) -> None:
        """Remove a file; its URL dies with it."""
        media = self._media.pop(media_id, None)
        if media is None:
            raise UnknownObject(media_id, "delete")
        self._bytes -= len(media.data)

    def forget(self) -> None:
        """Drop all files."""
        self._media.clear()
        self._bytes = 0

    def url(self, media: Media) -> str:
        """Where the bytes are for the next five minutes."""
        expires = int(self.world.now()) + URL_LIVES
        return (
            f"{self.public_url}/whatsapp_business/attachments/"
            f"?mid={media.id}&ext={expires}&hash={self._mark(media.id, expires)}"
        )

    def by_url(self, query: Json) -> Media | None:
        """The file behind such a URL; None once it has expired or was tampered with."""
        media_id, expires, mark = (str(query.get(each, "")) for each in ("mid", "ext", "hash"))
        if not expires.isdigit() or int(expires) < self.world.now():
            return None
        if not hmac.compare_digest(mark, self._mark(media_id, int(expires))):
            return None
        return self._media.get(media_id)

    def described(self, media: Media) -> Json:
        """The answer to GET /<media id>."""
        return {
            "url": self.url(media),
            "mime_type": media.mime_type,
            "sha256": media.sha256,
            "file_size": len(media.data),
            "id": media.id,
            "messaging_product": "whatsapp",
        }

    def _mark(self, media_id: str, expires: int) -> str:
        return hmac.digest(self._key, f"{media_id}:{expires}".encode(), "sha256").hex()[:32]


def _types() -> str:
    return ", ".join(each for _, types in ALLOWED.values() for each in types)
