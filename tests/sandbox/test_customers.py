"""What customers can do, as the business hears it; media both ways; the templates' management."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io

import aiohttp
import pytest

from tests.sandbox.stand import ACCOUNT, NUMBER, TOKEN, Json, stand

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100

WRITTEN: list[tuple[Json, str, Json]] = [
    ({"text": "مرحبا"}, "text", {"body": "مرحبا"}),
    ({"type": "location", "location": {"latitude": 25.0, "longitude": 55.3}}, "location", {"latitude": 25.0}),
    ({"type": "button", "button": {"text": "Call me", "payload": "CALL"}}, "button", {"payload": "CALL"}),
    (
        {
            "type": "interactive",
            "interactive": {"type": "button_reply", "button_reply": {"id": "sat", "title": "Saturday"}},
        },
        "interactive",
        {"type": "button_reply"},
    ),
    (
        {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "1", "title": "Vardon"}}},
        "interactive",
        {"type": "list_reply"},
    ),
    ({"type": "audio"}, "audio", {"voice": True, "mime_type": "audio/ogg; codecs=opus"}),
    ({"type": "document", "document": {"filename": "deed.pdf"}}, "document", {"filename": "deed.pdf"}),
    ({"type": "sticker"}, "sticker", {"animated": False}),
    ({"type": "video", "video": {"caption": "The tour"}}, "video", {"caption": "The tour"}),
]


@pytest.mark.parametrize(("written", "kind", "holds"), WRITTEN)
def test_each_type_arrives_under_its_own_name(written: Json, kind: str, holds: Json) -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            wamid = (await sandbox.admin("customers/971500000100/messages", {"name": "Reem", **written}))["id"]
            await sandbox.until(lambda: sandbox.business.messages)

            (message,) = sandbox.business.messages
            assert (message["id"], message["from"], message["type"]) == (wamid, "971500000100", kind)
            assert message["from_user_id"].startswith("AE.")
            assert message["timestamp"].isdigit()
            assert holds.items() <= message[kind].items()
            (contact,) = sandbox.business.changes[0]["value"]["contacts"]
            assert contact["profile"]["name"] == "Reem"
            assert contact["user_id"] == message["from_user_id"]

    asyncio.run(scenario())


def test_a_quote_names_who_wrote_the_quoted_message() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            own = await sandbox.write()
            _, sent = await sandbox.send()
            theirs = sent["messages"][0]["id"]

            await sandbox.write(quote=own)
            await sandbox.write(quote=theirs)
            await sandbox.until(lambda: len(sandbox.business.messages) == 3)

            contexts = [message["context"] for message in sandbox.business.messages[1:]]
            assert contexts == [{"from": "971500000100", "id": own}, {"from": "97142000001", "id": theirs}]

    asyncio.run(scenario())


def test_reactions_edits_deletions_and_what_the_api_cannot_show() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            wamid = await sandbox.write(text="Is it 1.2M?")
            _, sent = await sandbox.send()
            theirs = sent["messages"][0]["id"]

            for action in (
                {"type": "reaction", "reaction": {"message_id": theirs, "emoji": "👍"}},
                {"type": "edit", "original": wamid, "text": "Is it 1.3M?"},
                {"type": "revoke", "original": wamid},
                {"type": "unsupported", "unsupported": "poll_creation"},
            ):
                await sandbox.admin("customers/971500000100/messages", action)
            await sandbox.until(lambda: len(sandbox.business.messages) == 5)

            _, reaction, edit, revoke, unsupported = sandbox.business.messages
            assert reaction["reaction"] == {"message_id": theirs, "emoji": "👍"}
            assert edit["edit"]["original_message_id"] == wamid
            assert edit["edit"]["message"]["text"]["body"] == "Is it 1.3M?"
            assert revoke["revoke"] == {"original_message_id": wamid}
            assert unsupported["errors"][0]["code"] == 131051
            chat = await sandbox.admin("customers/971500000100/messages")
            assert chat["messages"][0]["status"] == "deleted"
            assert chat["messages"][1]["reaction"] == "👍"

    asyncio.run(scenario())


def test_a_person_moves_to_another_number() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.write(name="Reem")
            moved = {"type": "system", "new_wa_id": "971500000999"}
            await sandbox.admin("customers/971500000100/messages", moved)
            await sandbox.until(lambda: len(sandbox.business.messages) == 2)

            change = sandbox.business.changes[1]["value"]
            assert "contacts" not in change
            assert change["messages"][0]["system"]["type"] == "user_changed_number"
            assert change["messages"][0]["system"]["wa_id"] == "971500000999"

    asyncio.run(scenario())


def test_opening_the_chat_reads_it() -> None:
    async def scenario() -> None:
        async with stand(behaviours={"read": 0.0}) as sandbox:
            await sandbox.write()
            await sandbox.send()
            await sandbox.until(lambda: len(sandbox.business.statuses) == 2)

            assert await sandbox.admin("customers/971500000100/read", {}) == {"read": 1}

            await sandbox.until(lambda: len(sandbox.business.statuses) == 3)
            assert sandbox.business.statuses[-1]["status"] == "read"

    asyncio.run(scenario())


def test_a_received_picture_is_fetched_in_two_hops_with_the_token() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            image = {"base64": base64.b64encode(PNG).decode(), "mime_type": "image/png", "caption": "The garden"}
            await sandbox.admin("customers/971500000100/messages", {"type": "image", "image": image})
            await sandbox.until(lambda: sandbox.business.messages)
            node = sandbox.business.messages[0]["image"]
            digest = hashlib.sha256(PNG)
            assert node["sha256"] == base64.b64encode(digest.digest()).decode()

            status, described = await sandbox.graph("GET", f"{node['id']}?phone_number_id={NUMBER}")

            assert status == 200
            assert described["url"].startswith(sandbox.url)
            assert (described["sha256"], described["file_size"]) == (digest.hexdigest(), len(PNG))
            bearer = {"Authorization": f"Bearer {TOKEN}"}
            async with sandbox.session.get(described["url"]) as answer:
                assert answer.status == 401
            async with sandbox.session.get(described["url"], headers=bearer) as answer:
                assert (answer.status, answer.content_type, await answer.read()) == (200, "image/png", PNG)
            async with sandbox.session.get(described["url"], headers={**bearer, "Range": "bytes=8-11"}) as answer:
                assert (answer.status, answer.headers["Content-Range"]) == (206, f"bytes 8-11/{len(PNG)}")
            await sandbox.admin("clock", {"advance": 301})
            async with sandbox.session.get(described["url"], headers=bearer) as answer:
                assert answer.status == 404

    asyncio.run(scenario())


def test_an_uploaded_file_is_sent_and_deleted() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.write()

            def form(mime_type: str, data: bytes = PNG) -> aiohttp.FormData:
                parts = aiohttp.FormData({"messaging_product": "whatsapp", "type": mime_type})
                parts.add_field("file", io.BytesIO(data), filename="villa.png", content_type=mime_type)
                return parts

            status, answer = await sandbox.graph("POST", f"{NUMBER}/media", data=form("image/png"))
            assert status == 200
            assert answer["id"].isdigit()
            assert (await sandbox.send(type="image", image={"id": answer["id"]}))[0] == 200

            assert await sandbox.graph("DELETE", answer["id"]) == (200, {"success": True})
            assert (await sandbox.graph("GET", answer["id"]))[1]["error"]["error_subcode"] == 33
            refused = await sandbox.graph("POST", f"{NUMBER}/media", data=form("application/x-msdownload"))
            assert refused[1]["error"]["code"] == 100
            large = await sandbox.graph("POST", f"{NUMBER}/media", data=form("image/png", b"x" * (5 * 2**20 + 1)))
            assert large[1]["error"]["code"] == 131053

    asyncio.run(scenario())


def test_a_large_document_can_be_received() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            written = {"type": "document", "document": {"size": 90 * 2**20, "filename": "brochure.pdf"}}
            await sandbox.admin("customers/971500000100/messages", written)
            await sandbox.until(lambda: sandbox.business.messages)

            media_id = sandbox.business.messages[0]["document"]["id"]
            _, described = await sandbox.graph("GET", media_id)
            assert described["file_size"] == 90 * 2**20

    asyncio.run(scenario())


def test_templates_are_listed_page_by_page() -> None:
    templates = [
        {"name": f"t{i:02d}", "language": "en", "category": "UTILITY", "components": [{"type": "BODY", "text": "Hi"}]}
        for i in range(6)
    ]

    async def scenario() -> None:
        async with stand(templates=templates) as sandbox:
            names: list[str] = []
            path = f"{ACCOUNT}/message_templates?limit=3&fields=name,status"
            while path:
                _, page = await sandbox.graph("GET", path)
                assert all(set(each) == {"name", "status", "id"} for each in page["data"])
                names += [each["name"] for each in page["data"]]
                path = page["paging"].get("next", "").removeprefix(f"{sandbox.url}/v25.0/")

            assert names == ["hello", *(f"t{i:02d}" for i in range(6))]
            _, found = await sandbox.graph("GET", f"{ACCOUNT}/message_templates?name=t03&status=APPROVED")
            assert [each["name"] for each in found["data"]] == ["t03"]

    asyncio.run(scenario())


def test_templates_are_created_edited_and_deleted() -> None:
    body = {"type": "BODY", "text": "See you at {{1}} o'clock", "example": {"body_text": [["5"]]}}
    request = {"name": "viewing", "language": "en", "category": "UTILITY", "components": [body]}

    async def scenario() -> None:
        async with stand(template_review=None) as sandbox:
            path = f"{ACCOUNT}/message_templates"
            status, made = await sandbox.graph("POST", path, request)
            assert (status, made["status"], made["category"]) == (200, "PENDING", "UTILITY")
            assert (await sandbox.graph("POST", path, request))[1]["error"]["error_subcode"] == 2388024
            assert (await sandbox.graph("POST", path, {**request, "name": "No Caps"}))[1]["error"]["code"] == 100
            assert (await sandbox.graph("POST", made["id"], {"components": [body]}))[1]["error"]["code"] == 100

            await sandbox.admin(f"templates/{made['id']}", {"status": "REJECTED", "reason": "INVALID_FORMAT"})
            _, read = await sandbox.graph("GET", f"{made['id']}?fields=status,rejected_reason")
            assert read == {"status": "REJECTED", "rejected_reason": "INVALID_FORMAT", "id": made["id"]}
            assert await sandbox.graph("POST", made["id"], {"components": [body]}) == (200, {"success": True})

            assert await sandbox.graph("DELETE", f"{path}?name=viewing") == (200, {"success": True})
            assert (await sandbox.graph("DELETE", f"{path}?name=viewing"))[0] == 404

    asyncio.run(scenario())


def test_numbers_subscriptions_and_tokens_can_be_asked_for() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            _, numbers = await sandbox.graph("GET", f"{ACCOUNT}/phone_numbers")
            assert numbers["data"][0]["display_phone_number"] == "+971 4 200 0001"
            _, number = await sandbox.graph("GET", f"{NUMBER}?fields=verified_name,throughput,quality_rating")
            assert number == {
                "verified_name": "Akoya Homes",
                "throughput": {"level": "STANDARD"},
                "quality_rating": "GREEN",
                "id": NUMBER,
            }
            assert (await sandbox.graph("GET", f"{ACCOUNT}/subscribed_apps"))[1] == {"data": []}
            assert (await sandbox.graph("POST", f"{ACCOUNT}/subscribed_apps"))[1] == {"success": True}
            assert len((await sandbox.graph("GET", f"{ACCOUNT}/subscribed_apps"))[1]["data"]) == 1
            _, good = await sandbox.graph("GET", f"debug_token?input_token={TOKEN}")
            assert good["data"]["is_valid"]
            assert "whatsapp_business_messaging" in good["data"]["scopes"]
            _, bad = await sandbox.graph("GET", "debug_token?input_token=nonsense")
            assert not bad["data"]["is_valid"]
            assert (await sandbox.graph("GET", "424242"))[1]["error"]["error_subcode"] == 33

    asyncio.run(scenario())
