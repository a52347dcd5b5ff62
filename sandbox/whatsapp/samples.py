"""Small real files for customers who send a picture, a voice note or a document without bringing one."""

import struct
import zlib

MIME_TYPES = {
    "image": "image/png",
    "sticker": "image/webp",
    "audio": "audio/ogg; codecs=opus",
    "video": "video/mp4",
    "document": "application/pdf",
}
NAMES = {"document": "floor-plan.pdf"}


def sample(kind: str, size: int | None = None) -> bytes:
    """A file of this kind. With a `size`, padded to it: how a 90 MB document is made."""
    if kind == "image":
        data = picture()
    elif kind == "sticker":
        data = sticker()
    elif kind == "document":
        data = document()
    else:
        data = recording(kind)
    return data if size is None else data[:size] + b"\0" * (size - len(data))


def picture(width: int = 320, height: int = 200) -> bytes:
    """A PNG of a sunset over a flat sea."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        depth = y / height
        sky = (int(250 - 90 * depth), int(170 - 40 * depth), int(90 + 90 * depth))
        rows += bytes(sky if depth < 0.62 else (30, int(80 + 60 * (1 - depth)), 120)) * width
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + _chunk(b"IDAT", zlib.compress(bytes(rows), 9))
        + _chunk(b"IEND", b"")
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def sticker() -> bytes:
    """The smallest lossless WebP: one pixel."""
    frame = bytes.fromhex("2f000000000787d0ff01")
    return b"RIFF" + struct.pack("<I", 12 + len(frame)) + b"WEBPVP8L" + struct.pack("<I", len(frame)) + frame


def document() -> bytes:
    """A one-page PDF."""
    text = b"BT /F1 24 Tf 72 720 Td (Floor plan, Vardon 214) Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    pdf, offsets = bytearray(b"%PDF-1.4\n"), []
    for index, content in enumerate(objects, start=1):
        offsets.append(len(pdf))
        pdf += b"%d 0 obj%b endobj\n" % (index, content)
    start = len(pdf)
    pdf += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    pdf += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    pdf += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(pdf)


def recording(kind: str) -> bytes:
    """Bytes that a type sniffer takes for an Ogg or MP4 file; no player would find anything in them."""
    if kind == "audio":
        return b"OggS\0\2" + b"\0" * 22 + b"OpusHead" + b"\0" * 2_000
    return b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 8_000
