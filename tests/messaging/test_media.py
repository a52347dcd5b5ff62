"""Files that people send: fetched before their address dies, looked at, shown only to who may see them."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import signing
from django.test import Client, RequestFactory
from django.utils import timezone

from messaging import media, selectors
from messaging.errors import MediaNotFound, WhatsAppUnavailable
from messaging.models import Channel, Conversation, Message
from messaging.services import files
from tests.messaging import factories

JPEG = b"\xff\xd8\xff\xe0" + b"0" * 100


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def streamed(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def fetched(majlis, message: Message) -> Message:
    files.fetch_media(actor=majlis, message_id=message.pk, at=timezone.now())
    message.refresh_from_db()
    return message


def arrive(sandbox, receive, kind: str, content: dict[str, object]) -> Message:
    """The sandbox keeps the file; the webhook that names it comes in at our door."""
    sent = sandbox.ask("POST", "/customers/971501234567/messages", {"type": kind, kind: content})
    chat = sandbox.ask("GET", "/customers/971501234567/messages")
    kept = next(each for each in chat["messages"] if each["id"] == sent["id"])
    raw = factories.text_message(type=kind, id=sent["id"])
    del raw["text"]
    receive(factories.value(messages=[{**raw, kind: kept["content"]}]))
    return Message.objects.get(provider_id=sent["id"])


def test_a_picture_is_fetched_by_both_hops_and_kept_privately(sandbox, receive, majlis, media_root) -> None:
    message = arrive(sandbox, receive, "image", {"base64": base64.b64encode(JPEG).decode(), "caption": "The view"})

    fetched(majlis, message)

    path = media_root / message.media_file
    assert path.read_bytes() == JPEG
    assert path.stat().st_mode & 0o077 == 0
    assert message.media_type == "image/jpeg"
    assert files.fetch_media(actor=majlis, message_id=message.pk, at=timezone.now()) is True
    assert [each for each in media_root.rglob("*") if each.is_file()] == [path]


@pytest.mark.parametrize(
    ("kind", "content", "reason"),
    [
        ("document", {"base64": base64.b64encode(b"MZ\x90 program").decode(), "filename": "a.pdf"}, "a program"),
        ("image", {"size": 5 * 1024 * 1024 + 1}, "up to 5 MB"),
    ],
)
def test_what_is_dangerous_or_too_large_leaves_its_reason(
    sandbox, receive, majlis, manager, media_root, kind, content, reason
) -> None:
    message = fetched(majlis, arrive(sandbox, receive, kind, content))

    assert message.media_file == ""
    [bubble] = selectors.thread(actor=manager, conversation=message.conversation).messages
    assert reason in bubble.media_error
    assert [each for each in media_root.rglob("*") if each.is_file()] == []
    assert files.sweep_media(actor=majlis, at=timezone.now() + timedelta(hours=1)) == 0


def test_the_largest_pdf_is_kept_and_read_in_parts(sandbox, receive, majlis, manager, client: Client) -> None:
    size = 90 * 1024 * 1024
    message = fetched(majlis, arrive(sandbox, receive, "document", {"size": size, "filename": "plan.pdf"}))

    assert (message.media_type, message.media_name) == ("application/pdf", "plan.pdf")
    assert media._inside(message.media_file).stat().st_size == size
    client.force_login(manager.user)
    end = client.get(address(message, manager), headers={"Range": "bytes=-10"})
    assert (end.status_code, len(streamed(end))) == (206, 10)
    assert end["Content-Range"] == f"bytes {size - 10}-{size - 1}/{size}"


def test_while_whatsapp_is_away_it_is_tried_again(sandbox, receive, majlis, settings, media_root) -> None:
    message = arrive(sandbox, receive, "audio", {})
    settings.WHATSAPP_API_URL = "http://127.0.0.1:1"

    with pytest.raises(WhatsAppUnavailable):
        fetched(majlis, message)

    assert files.sweep_media(actor=majlis, at=timezone.now() + timedelta(hours=1)) == 1
    assert [each for each in media_root.rglob("*") if each.is_file()] == []


def test_our_token_goes_to_no_other_host(sandbox, channel: Channel) -> None:
    import asyncio

    from messaging.cloud_api import CloudClient, credentials_of
    from messaging.errors import WhatsAppRefused
    from messaging.gateway import RemoteMedia

    async def download() -> None:
        async with CloudClient() as line:
            remote = RemoteMedia("http://127.0.0.1:9/steal", "image/jpeg", 1)
            async with line.download(credentials_of(channel), remote):
                pass

    with pytest.raises(WhatsAppRefused, match="not WhatsApp's"):
        asyncio.run(download())


@pytest.fixture
def picture(channel: Channel, organization) -> Message:
    from tests.crm import factories as crm

    talk = factories.conversation(channel, crm.contact(organization))
    path = media.keep(organization.pk, JPEG, "image/jpeg")
    return factories.message(
        talk, "", type="image", media_id="1", media_file=path, media_type="image/jpeg", media_name="view.jpg"
    )


def address(message: Message, actor) -> str:
    return media.address_of(organization_slug="palm", message_id=message.pk, membership_id=actor.membership.pk)


def test_a_signed_address_works_for_its_member_only(client: Client, picture: Message, manager, agent) -> None:
    client.force_login(manager.user)
    answer = client.get(address(picture, manager))
    assert (answer.status_code, streamed(answer)) == (200, JPEG)
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"

    client.force_login(agent.user)
    assert client.get(address(picture, manager)).status_code == 404
    assert client.get(address(picture, agent)).status_code == 404
    Conversation.objects.update(assigned_to=agent.membership)
    allowed = client.get(address(picture, agent))
    assert (allowed.status_code, streamed(allowed)) == (200, JPEG)
    client.logout()
    assert client.get(address(picture, manager)).status_code == 302


def test_an_old_or_forged_address_is_gone(client: Client, picture: Message, manager) -> None:
    import time_machine

    client.force_login(manager.user)
    good = address(picture, manager)
    forged = signing.dumps([picture.pk, manager.membership.pk], salt="something.else")

    assert client.get(good.rpartition("/")[0][:-3] + "abc/").status_code == 404
    assert client.get(f"/o/palm/media/file/{forged}/").status_code == 404
    with time_machine.travel(timezone.now() + timedelta(seconds=media.ADDRESS_SECONDS + 2)):
        assert client.get(good).status_code == 404


@pytest.mark.parametrize(
    ("asked", "status", "part", "told"),
    [
        ("", 200, JPEG, None),
        ("bytes=0-", 200, JPEG, None),
        ("bytes=0-3", 206, JPEG[:4], "bytes 0-3/104"),
        ("bytes=100-", 206, JPEG[100:], "bytes 100-103/104"),
        ("bytes=-4", 206, JPEG[-4:], "bytes 100-103/104"),
        ("bytes=90-999", 206, JPEG[90:], "bytes 90-103/104"),
        ("bytes=104-", 416, b"", "bytes */104"),
        ("bytes=-0", 416, b"", "bytes */104"),
        ("bytes=3-1", 200, JPEG, None),
        ("bytes=0-1,4-5", 200, JPEG, None),
        ("pages=1-2", 200, JPEG, None),
    ],
)
def test_films_and_voice_notes_are_read_from_where_somebody_listens(
    client: Client, picture: Message, manager, asked, status, part, told
) -> None:
    client.force_login(manager.user)

    answer = client.get(address(picture, manager), headers={"Range": asked} if asked else {})

    content = streamed(answer) if answer.streaming else answer.content
    assert (answer.status_code, content, answer.get("Content-Range")) == (status, part, told)
    if status != 416:
        assert (answer["Accept-Ranges"], answer["Content-Length"]) == ("bytes", str(len(part)))


def test_a_part_of_another_file_is_never_glued_on(client: Client, picture: Message, manager) -> None:
    client.force_login(manager.user)
    asked = {"Range": "bytes=50-", "If-Range": '"of-another"'}

    answer = client.get(address(picture, manager), headers=asked)

    assert (answer.status_code, streamed(answer)) == (200, JPEG)


def test_the_server_reads_files_without_holding_up_others(picture: Message) -> None:
    import asyncio

    async def read() -> bytes:
        pieces = media._read_later(media._inside(picture.media_file), 2, 50)
        return b"".join([piece async for piece in pieces])

    assert asyncio.run(read()) == JPEG[2:52]


def test_a_page_that_claims_to_be_a_picture_is_only_a_download(picture: Message) -> None:
    assert media.sniff(b"<html><script>alert(1)</script>") == "text/plain"
    picture.media_type = "text/html"

    answer = media.response(picture, RequestFactory().get("/"))
    answer.close()

    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "1/../../x", ""])
def test_no_path_leads_out_of_our_storage(path: str) -> None:
    with pytest.raises(MediaNotFound):
        media._inside(path)
