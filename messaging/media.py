"""Files of messages: what they are by their bytes, where we keep them, and addresses that soon stop working.

Nothing under MEDIA_ROOT is served by its path. A file is reached by a signed address that names one message and one
member, lives five minutes, and is checked again against what that member may see.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core import signing
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import content_disposition_header

from core.errors import Unavailable
from messaging.errors import MediaInvalid, MediaNotFound
from messaging.models import Message

SALT = "messaging.media"
ADDRESS_SECONDS = 300
MEGABYTE = 1024 * 1024
# whatsapp.md, "Media".
LARGEST = {
    "image": 5 * MEGABYTE,
    "video": 16 * MEGABYTE,
    "audio": 16 * MEGABYTE,
    "document": 100 * MEGABYTE,
    "sticker": 500 * 1024,
}
EXTENSIONS = {
    "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp",
    "video/mp4": ".mp4", "video/3gpp": ".3gp",
    "audio/aac": ".aac", "audio/amr": ".amr", "audio/mpeg": ".mp3", "audio/mp4": ".m4a", "audio/ogg": ".ogg",
    "application/pdf": ".pdf", "text/plain": ".txt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/msword": ".doc", "application/vnd.ms-excel": ".xls", "application/vnd.ms-powerpoint": ".ppt",
}  # fmt: skip
OFFICE = {suffix: mime for mime, suffix in EXTENSIONS.items() if suffix in {".docx", ".xlsx", ".pptx"}}
OLD_OFFICE = {suffix: mime for mime, suffix in EXTENSIONS.items() if suffix in {".doc", ".xls", ".ppt"}}
INLINE = ("image/jpeg", "image/png", "image/webp", "audio/", "video/")
PROGRAMS = (b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"#!/")
UNKNOWN_TYPE = "application/octet-stream"
HEAD = 4096
PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a signed address allows: one message's file, to one member."""

    message_id: int
    membership_id: int


def recognise(content: bytes, name: str) -> tuple[str, str]:
    """The kind (image, video, audio, document, sticker) and MIME type, by the bytes. Raises MediaInvalid."""
    mime_type = sniff(content[:HEAD], name)
    if mime_type == UNKNOWN_TYPE:
        raise MediaInvalid(
            "WhatsApp does not take this kind of file. Send a picture (JPEG, PNG), a video (MP4), audio, a PDF, an "
            "Office document or plain text.",
            field="file",
        )
    return kind_of(mime_type), mime_type


def kind_of(mime_type: str) -> str:
    """The message type for a MIME type."""
    if mime_type == "image/webp":
        return "sticker"
    major = mime_type.partition("/")[0]
    return major if major in ("image", "video", "audio") else "document"


def sniff(head: bytes, name: str = "") -> str:
    """The MIME type by the first bytes; the name only tells Office documents apart. Unknown is octet-stream."""
    for magic, mime_type in (
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"%PDF-", "application/pdf"),
        (b"OggS", "audio/ogg"),
        (b"#!AMR", "audio/amr"),
        (b"ID3", "audio/mpeg"),
        (b"\xff\xf1", "audio/aac"),
        (b"\xff\xf9", "audio/aac"),
        (b"\xff\xfb", "audio/mpeg"),
        (b"\xff\xf3", "audio/mpeg"),
        (b"\xff\xf2", "audio/mpeg"),
    ):
        if head.startswith(magic):
            return mime_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return "audio/mp4" if brand.startswith(b"M4A") else "video/3gpp" if brand.startswith(b"3g") else "video/mp4"
    suffix = Path(name.lower()).suffix
    if head.startswith(b"PK\x03\x04"):
        return OFFICE.get(suffix, UNKNOWN_TYPE)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return OLD_OFFICE.get(suffix, UNKNOWN_TYPE)
    return "text/plain" if _is_text(head) else UNKNOWN_TYPE


def _is_text(head: bytes) -> bool:
    if not head or b"\x00" in head or head.startswith(PROGRAMS):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3 and len(head) == HEAD  # a letter cut in half at the end of the head
    return True


def require_size(kind: str, size: int) -> None:
    """Raises MediaInvalid for an empty file and for one that is larger than WhatsApp takes."""
    most = LARGEST[kind]
    if not 0 < size <= most:
        shown = f"{most // MEGABYTE} MB" if most >= MEGABYTE else f"{most // 1024} KB"
        raise MediaInvalid(
            f"A file of this kind may have up to {shown} and must not be empty.", field="file", size=size
        )


def plain_name(name: str) -> str:
    """A file name fit to be shown: no folders, no control or direction characters, at most 200 letters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return re.sub(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", last).strip()[-200:]


def keep(organization_id: int, content: bytes, mime_type: str) -> str:
    """Put bytes into private storage; returns their path there. Raises Unavailable when the disk is full."""
    with keeping(organization_id, mime_type) as (file, path):
        file.write(content)
    return path


@contextmanager
def keeping(organization_id: int, mime_type: str) -> Iterator[tuple[IO[bytes], str]]:
    """A file to write into, and its path once the block has ended well; nothing stays behind otherwise."""
    name = secrets.token_hex(16)
    path = f"{organization_id}/{name[:2]}/{name}{EXTENSIONS.get(mime_type, '.bin')}"
    target = settings.MEDIA_ROOT / path
    temporary = ""
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
            temporary = file.name
            yield file, path
        os.replace(temporary, target)
    except OSError as error:
        raise Unavailable("The file could not be kept; there may be no room left. Try again later.") from error
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def forget(path: str) -> None:
    """Take a kept file away again."""
    _inside(path).unlink(missing_ok=True)


def read(path: str) -> bytes:
    """The bytes of a kept file. Raises MediaNotFound."""
    try:
        return _inside(path).read_bytes()
    except OSError:
        raise MediaNotFound("This file is no longer there.") from None


def address_of(*, organization_slug: str, message_id: int, membership_id: int) -> str:
    """An address for one member that shows the file of one message for five minutes."""
    token = signing.dumps([message_id, membership_id], salt=SALT, compress=False)
    return reverse("media-file", kwargs={"organization": organization_slug, "token": token})


def ticket_of(token: str) -> Ticket:
    """What a signed address allows. Raises MediaNotFound when it is not ours or too old."""
    try:
        message_id, membership_id = signing.loads(token, salt=SALT, max_age=ADDRESS_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        raise MediaNotFound("This address has expired; open the conversation again.") from None
    return Ticket(int(message_id), int(membership_id))


def response(message: Message, request: HttpRequest) -> HttpResponseBase:
    """The file itself, or the part that was asked for. Pictures, sound and films are shown, everything else is a
    download; nothing in it may run. A film of any length is never whole in memory."""
    path = _inside(message.media_file)
    try:
        size = path.stat().st_size
    except OSError:
        raise MediaNotFound("This file is no longer there.") from None
    tag = f'"{path.stem}"'  # a kept file never changes
    asked = request.headers.get("Range", "") if request.headers.get("If-Range", tag) == tag else ""
    part = _part(asked, size)
    if part is None:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    first, length = part
    is_shown = message.media_type.startswith(INLINE)
    reader = _read_later if isinstance(request, ASGIRequest) else _read_now
    answer = StreamingHttpResponse(
        reader(path, first, length),
        status=206 if asked and length < size else 200,
        content_type=message.media_type if is_shown else UNKNOWN_TYPE,
    )
    if answer.status_code == 206:
        answer["Content-Range"] = f"bytes {first}-{first + length - 1}/{size}"
    answer["Content-Length"] = str(length)
    answer["Accept-Ranges"] = "bytes"
    answer["ETag"] = tag
    disposition = content_disposition_header(not is_shown, message.media_name or path.name)
    answer["Content-Disposition"] = disposition or "attachment"
    answer["Cache-Control"] = f"private, max-age={ADDRESS_SECONDS}"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _part(asked: str, size: int) -> tuple[int, int] | None:
    """Where to begin and how many bytes; all of them when it is no single range. None: there is no such part."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", asked.strip())
    if found is None or found[0] == "bytes=-":
        return 0, size
    if not found[1]:
        length = min(int(found[2]), size)
        return (size - length, length) if length else None
    first = int(found[1])
    last = min(int(found[2]), size - 1) if found[2] else size - 1
    if first >= size:
        return None
    return (first, last - first + 1) if last >= first else (0, size)


def _read_now(path: Path, first: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        while length > 0 and (piece := file.read(min(PIECE, length))):
            length -= len(piece)
            yield piece


async def _read_later(path: Path, first: int, length: int) -> AsyncIterator[bytes]:
    """The same without holding up the others that this server talks to."""
    pieces = _read_now(path, first, length)
    try:
        while (piece := await asyncio.to_thread(next, pieces, b"")) != b"":
            yield piece
    finally:
        pieces.close()  # type: ignore[attr-defined]  # a generator


def _inside(path: str) -> Path:
    root = settings.MEDIA_ROOT.resolve()
    target: Path = (root / path).resolve()
    if not path or not target.is_relative_to(root):
        raise MediaNotFound("This file is not there.")
    return target
