"""What a client of the Cloud API sees when it sends: answers, refusals, limits."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.whatsapp.errors import MAGIC_ENDINGS, REFUSALS
from tests.sandbox.stand import ACCOUNT, NUMBER, Json, stand


def test_an_accepted_text_answers_like_meta() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.write()

            status, answer = await sandbox.send("+971 50 000 0100")

            assert status == 200
            assert answer["messaging_product"] == "whatsapp"
            assert answer["contacts"][0]["input"] == "+971 50 000 0100"
            assert answer["contacts"][0]["wa_id"] == "971500000100"
            assert answer["contacts"][0]["user_id"].startswith("AE.")
            assert answer["messages"][0]["id"].startswith("wamid.")
            assert "message_status" not in answer["messages"][0]

    asyncio.run(scenario())


def test_an_accepted_template_says_accepted() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            status, answer = await sandbox.send_template()

            assert status == 200
            assert answer["messages"][0]["message_status"] == "accepted"

    asyncio.run(scenario())


@pytest.mark.parametrize("token", ["", "wrong"])
def test_without_the_right_token_nothing_is_taken(token: str) -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            status, answer = await sandbox.graph("POST", f"{NUMBER}/messages", {"to": "971500000100"}, token=token)

            assert status == 401
            assert answer["error"]["code"] == 190
            assert answer["error"]["type"] == "OAuthException"
            assert answer["error"]["fbtrace_id"]
            assert (await sandbox.admin("summary"))["messages"]["accepted"] == 0

    asyncio.run(scenario())


def test_another_accounts_number_does_not_exist_for_this_token() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.admin(
                "configure", {"accounts": [{"id": "1002", "token": "other", "numbers": [{"id": "2002"}]}]}
            )

            status, answer = await sandbox.graph("POST", "2002/messages", {"messaging_product": "whatsapp"})

            assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (400, 100, 33)

    asyncio.run(scenario())


CONTENTS: list[tuple[str, Json | list[Json]]] = [
    ("text", {"body": "Hello"}),
    ("image", {"link": "https://example.com/villa.jpg", "caption": "The villa"}),
    ("video", {"link": "https://example.com/tour.mp4"}),
    ("audio", {"link": "https://example.com/note.ogg"}),
    ("document", {"link": "https://example.com/plan.pdf", "filename": "plan.pdf"}),
    ("sticker", {"link": "https://example.com/sticker.webp"}),
    ("location", {"latitude": 25.01, "longitude": 55.37, "name": "Gate"}),
    ("contacts", [{"name": {"formatted_name": "Reem", "first_name": "Reem"}, "phones": [{"phone": "+971500000100"}]}]),
    ("reaction", {"message_id": "wamid.x", "emoji": "👍"}),
    (
        "interactive",
        {
            "type": "button",
            "body": {"text": "When?"},
            "action": {"buttons": [{"type": "reply", "reply": {"id": "sat", "title": "Saturday"}}]},
        },
    ),
    (
        "interactive",
        {
            "type": "list",
            "body": {"text": "Which?"},
            "action": {
                "button": "Show",
                "sections": [{"title": "Villas", "rows": [{"id": "1", "title": "Vardon 214"}]}],
            },
        },
    ),
]


@pytest.mark.parametrize(("kind", "content"), CONTENTS)
def test_every_type_is_taken_inside_the_window(kind: str, content: Json | list[Json]) -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.write()

            status, answer = await sandbox.send("971500000100", **{"type": kind, kind: content})

            assert status == 200, answer

    asyncio.run(scenario())


REFUSED: list[tuple[Json, int]] = [
    ({"messaging_product": "sms"}, 100),
    ({"to": ""}, 100),
    ({"to": "AE.512629500000000"}, 131009),
    ({"to": "123"}, 131009),
    ({"to": "97142000001"}, 131021),
    ({"type": "carrier_pigeon"}, 131051),
    ({"text": {"body": ""}}, 100),
    ({"text": {"body": "x" * 4097}}, 100),
    ({"type": "image", "image": {"caption": "no file"}}, 100),
    ({"type": "image", "image": {"id": "123"}}, 100),
    (
        {"type": "interactive", "interactive": {"type": "button", "body": {"text": "?"}, "action": {"buttons": []}}},
        131009,
    ),
    ({"biz_opaque_callback_data": "x" * 513}, 100),
    ({"type": "template", "template": {"name": "unknown", "language": {"code": "en"}}}, 132001),
    ({"type": "template", "template": {"name": "hello", "language": {"code": "ar"}}}, 132001),
    ({"type": "template", "template": {"name": "hello", "language": {"code": "en"}}}, 132000),
    ({"type": "template", "template": {"name": "hello"}}, 100),
    ({"type": "template", "template": {"name": "hello", "language": "en"}}, 100),
    ({"context": "wamid.x"}, 100),
]


@pytest.mark.parametrize(("change", "code"), REFUSED)
def test_what_is_wrong_is_refused_with_its_code(change: Json, code: int) -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.write()

            status, answer = await sandbox.send(**{"to": "971500000100", **change})

            assert status >= 400
            assert answer["error"]["code"] == code
            assert (await sandbox.admin("summary"))["messages"]["accepted"] == 0

    asyncio.run(scenario())


@pytest.mark.parametrize(("state", "code"), [("PAUSED", 132015), ("DISABLED", 132016), ("REJECTED", 132001)])
def test_a_template_that_is_not_approved_is_refused(state: str, code: int) -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            _, listed = await sandbox.graph("GET", f"{ACCOUNT}/message_templates")
            await sandbox.admin(f"templates/{listed['data'][0]['id']}", {"status": state})

            _, answer = await sandbox.send_template()

            assert answer["error"]["code"] == code

    asyncio.run(scenario())


def test_named_parameters_must_be_those_of_the_template() -> None:
    named = {
        "name": "viewing",
        "language": "en",
        "category": "UTILITY",
        "parameter_format": "NAMED",
        "components": [{"type": "BODY", "text": "See you at {{place}}, {{name}}."}],
    }

    def parameters(*names: str) -> Json:
        given = [{"type": "text", "parameter_name": name, "text": "x"} for name in names]
        return {"name": "viewing", "language": {"code": "en"}, "components": [{"type": "body", "parameters": given}]}

    async def scenario() -> None:
        async with stand(templates=[named]) as sandbox:
            assert (await sandbox.send(type="template", template=parameters("place", "name")))[0] == 200
            assert (await sandbox.send(type="template", template=parameters("place")))[1]["error"]["code"] == 132000
            assert (await sandbox.send(type="template", template=parameters("place", "who")))[1]["error"]["code"] == 100

    asyncio.run(scenario())


def test_free_text_is_refused_outside_the_window() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.write(hours_ago=25)
            assert (await sandbox.send())[1]["error"]["code"] == 131047
            assert (await sandbox.send_template())[0] == 200

            await sandbox.write()
            assert (await sandbox.send())[0] == 200

            await sandbox.admin("clock", {"advance": 24 * 3600 + 1})
            assert (await sandbox.send())[1]["error"]["code"] == 131047

    asyncio.run(scenario())


def test_the_window_can_refuse_by_webhook_instead() -> None:
    async def scenario() -> None:
        async with stand(window="webhook") as sandbox:
            assert (await sandbox.send())[0] == 200
            await sandbox.until(lambda: sandbox.business.statuses)

            failed = sandbox.business.statuses[0]
            assert (failed["status"], failed["errors"][0]["code"]) == ("failed", 131047)

    asyncio.run(scenario())


def test_a_number_sends_no_faster_than_its_throughput() -> None:
    async def scenario() -> None:
        async with stand(number={"throughput": 20}) as sandbox:
            answers = await asyncio.gather(*(sandbox.send_template(f"97150000{i:04d}") for i in range(60)))

            codes = [answer.get("error", {}).get("code") for _, answer in answers]
            assert set(codes) == {None, 130429}
            # A burst of one second's worth, and what trickled in while the sixty were sent.
            assert 20 <= codes.count(None) <= 35
            assert {status for status, _ in answers} == {200, 400}

    asyncio.run(scenario())


def test_the_status_of_rate_limits_can_be_429() -> None:
    async def scenario() -> None:
        async with stand(number={"throughput": 1}, rate_limit_status=429) as sandbox:
            await sandbox.send_template()

            status, answer = await sandbox.send_template("971500000200")

            assert (status, answer["error"]["code"]) == (429, 130429)

    asyncio.run(scenario())


def test_one_person_gets_a_burst_of_45_and_then_one_in_six_seconds() -> None:
    async def scenario() -> None:
        async with stand(number={"throughput": None}) as sandbox:
            codes = [(await sandbox.send_template())[1].get("error", {}).get("code") for _ in range(47)]
            assert codes == [None] * 45 + [131056] * 2
            assert (await sandbox.send_template("971500000200"))[0] == 200

            await sandbox.admin("clock", {"advance": 6.1})
            assert (await sandbox.send_template())[0] == 200
            assert (await sandbox.send_template())[1]["error"]["code"] == 131056

    asyncio.run(scenario())


@pytest.mark.parametrize("code", sorted(MAGIC_ENDINGS.values()))
def test_a_number_that_ends_with_a_code_fails_with_it(code: int) -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            status, answer = await sandbox.send_template(f"971500{code}")
            if REFUSALS[code].road == "http":
                assert (status, answer["error"]["code"]) == (REFUSALS[code].status, code)
                return
            assert status == 200
            await sandbox.until(lambda: sandbox.business.statuses)
            failed = sandbox.business.statuses[0]
            assert (failed["status"], failed["errors"][0]["code"]) == ("failed", code)
            assert failed["id"] == answer["messages"][0]["id"]

    asyncio.run(scenario())


def test_a_username_only_person_is_reached_by_recipient_alone() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            unknown = await sandbox.graph(
                "POST",
                f"{NUMBER}/messages",
                {"messaging_product": "whatsapp", "recipient": "AE.1234567890", "type": "text", "text": {"body": "Hi"}},
            )
            assert unknown[1]["error"]["error_subcode"] == 33

            await sandbox.write("AE.1234567890", username="reem")
            status, answer = await sandbox.send(to="", recipient="AE.1234567890")

            assert status == 200
            assert answer["contacts"] == [{"input": "AE.1234567890", "user_id": "AE.1234567890"}]
            await sandbox.until(lambda: sandbox.business.statuses)
            assert "recipient_id" not in sandbox.business.statuses[0]
            assert sandbox.business.statuses[0]["recipient_user_id"] == "AE.1234567890"
            assert "from" not in sandbox.business.messages[0]

    asyncio.run(scenario())


def test_marking_as_read_shows_the_customer_blue_ticks_and_typing() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            wamid = await sandbox.write()
            read = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}

            status, answer = await sandbox.graph(
                "POST", f"{NUMBER}/messages", {**read, "typing_indicator": {"type": "text"}}
            )

            assert (status, answer) == (200, {"success": True})
            chat = await sandbox.admin("customers/971500000100/messages")
            assert (chat["messages"][0]["status"], chat["typing"]) == ("read", True)
            assert (await sandbox.admin("summary"))["messages"]["received"] == 0

    asyncio.run(scenario())
