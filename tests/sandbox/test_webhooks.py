"""What the business hears: handshake, signature, ladder, retries, order, batches, replay."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

from tests.sandbox.stand import ACCOUNT, NUMBER, TOKEN, stand


def test_the_handshake_is_meta_s_and_its_failure_is_reported() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            asked = sandbox.business.handshakes[0]
            assert (asked["hub.mode"], asked["hub.verify_token"]) == ("subscribe", "verify me")

            report = await sandbox.admin("configure", {"accounts": [{"id": ACCOUNT, "verify_token": "another"}]})

            handshake = report["accounts"][0]["handshake"]
            assert (handshake["ok"], handshake["status"]) == (False, 403)

    asyncio.run(scenario())


def test_statuses_climb_the_ladder_and_echo_the_callback_data() -> None:
    async def scenario() -> None:
        async with stand(behaviours={"read": 1.0}) as sandbox:
            _, answer = await sandbox.send_template(biz_opaque_callback_data="row 7")
            await sandbox.until(lambda: len(sandbox.business.statuses) == 3)

            statuses = sandbox.business.statuses
            assert [each["status"] for each in statuses] == ["sent", "delivered", "read"]
            assert {each["id"] for each in statuses} == {answer["messages"][0]["id"]}
            assert {each["biz_opaque_callback_data"] for each in statuses} == {"row 7"}
            assert {each["recipient_id"] for each in statuses} == {"971500000100"}
            assert statuses[0]["pricing"] == {
                "billable": True,
                "pricing_model": "PMP",
                "type": "regular",
                "category": "marketing",
            }
            assert statuses[0]["conversation"]["origin"] == {"type": "marketing"}
            assert "expiration_timestamp" in statuses[0]["conversation"]
            metadata = sandbox.business.changes[0]["value"]["metadata"]
            assert metadata == {"display_phone_number": "97142000001", "phone_number_id": NUMBER}

    asyncio.run(scenario())


def test_an_open_chat_skips_delivered() -> None:
    async def scenario() -> None:
        async with stand(behaviours={"read": 1.0, "chat_open": 1.0}) as sandbox:
            await sandbox.send_template()
            await sandbox.until(lambda: len(sandbox.business.statuses) == 2)

            assert [each["status"] for each in sandbox.business.statuses] == ["sent", "read"]

    asyncio.run(scenario())


def test_bodies_are_ascii_with_escapes_and_the_signature_is_over_those_bytes() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.write(text="مرحبا 50/50", name="سارة")
            await sandbox.until(lambda: sandbox.business.bodies)

            body = sandbox.business.bodies[0]
            assert body.isascii()
            assert rb"\u0645" in body
            assert rb"50\/50" in body
            assert json.dumps(json.loads(body), separators=(",", ":")).encode() != body
            assert sandbox.business.messages[0]["text"]["body"] == "مرحبا 50/50"

    asyncio.run(scenario())


def test_what_is_not_answered_200_comes_again() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            sandbox.business.answer = lambda attempt: {1: 500, 2: 302, 3: 204}.get(attempt, 200)

            await sandbox.write()
            await sandbox.until(lambda: len(sandbox.business.bodies) == 4)
            await asyncio.sleep(0.3)

            assert len(sandbox.business.bodies) == 4
            assert len(set(sandbox.business.bodies)) == 1
            (posted,) = (await sandbox.admin("webhooks"))["webhooks"]
            assert [each["status"] for each in posted["attempts"]] == [500, 302, 204, 200]
            assert posted["state"] == "delivered"

    asyncio.run(scenario())


def test_a_thousand_changes_travel_in_one_body() -> None:
    async def scenario() -> None:
        rules = {"batch": 1000, "gather": 0.3}
        async with stand(
            number={"throughput": None}, webhooks=rules, behaviours={"delivered": 0.0, "read": 0.0}
        ) as sandbox:
            for start in range(0, 1000, 100):
                await asyncio.gather(*(sandbox.send_template(f"9715000{i:05d}") for i in range(start, start + 100)))
            await sandbox.until(lambda: len(sandbox.business.statuses) == 1000)

            sizes = [len(json.loads(body)["entry"][0]["changes"]) for body in sandbox.business.bodies]
            assert max(sizes) > 100
            assert len({each["id"] for each in sandbox.business.statuses}) == 1000

    asyncio.run(scenario())


def test_webhooks_can_be_doubled_shuffled_and_released_on_demand() -> None:
    async def scenario() -> None:
        async with stand(webhooks={"mode": "held"}, behaviours={"read": 1.0}) as sandbox:
            for i in range(20):
                await sandbox.send_template(f"97150000{i:04d}")
            await asyncio.sleep(0.3)
            assert sandbox.business.bodies == []
            assert (await sandbox.admin("summary"))["webhooks"]["held"] == 60

            released = await sandbox.admin("webhooks/release", {"order": "shuffled", "copies": 2, "batch": 7})

            assert released == {"changes": 60, "bodies": 18}
            await sandbox.until(lambda: len(sandbox.business.bodies) == 18)
            steps = [each["status"] for each in sandbox.business.statuses]
            assert Counter(steps) == {"sent": 40, "delivered": 40, "read": 40}
            assert steps != sorted(steps, key=["sent", "delivered", "read"].index)

    asyncio.run(scenario())


def test_recorded_bodies_are_replayed_byte_for_byte() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.write(text="one")
            await sandbox.until(lambda: len(sandbox.business.bodies) == 1)
            await sandbox.write(text="two")
            await sandbox.until(lambda: len(sandbox.business.bodies) == 2)

            replayed = await sandbox.admin("webhooks/replay", {"copies": 5, "shuffle": True})

            assert replayed == {"bodies": 10}
            await sandbox.until(lambda: len(sandbox.business.bodies) == 12)
            assert sorted(Counter(sandbox.business.bodies).values()) == [6, 6]

    asyncio.run(scenario())


def test_profiles_can_be_left_out_of_statuses() -> None:
    async def scenario() -> None:
        async with stand(webhooks={"profile_in_statuses": False}) as sandbox:
            await sandbox.send_template()
            await sandbox.until(lambda: sandbox.business.statuses)

            contact = sandbox.business.changes[0]["value"]["contacts"][0]
            assert set(contact) == {"wa_id", "user_id"}

    asyncio.run(scenario())


def test_meta_s_own_decisions_are_announced() -> None:
    async def scenario() -> None:
        async with stand(template_review=0.0) as sandbox:
            template = {
                "name": "fresh",
                "language": "en",
                "category": "UTILITY",
                "components": [{"type": "BODY", "text": "Hi"}],
            }
            _, made = await sandbox.graph("POST", f"{ACCOUNT}/message_templates", template)
            assert made["status"] == "PENDING"
            await sandbox.until(lambda: len(sandbox.business.changes) == 1)

            for change in ({"status": "PAUSED"}, {"category": "MARKETING"}, {"quality": "RED"}):
                await sandbox.admin(f"templates/{made['id']}", change)
            await sandbox.admin(f"numbers/{NUMBER}", {"quality_rating": "RED"})
            raw = {"account": ACCOUNT, "field": "account_alerts", "value": {"alert_type": "OBA_APPROVED"}}
            await sandbox.admin("webhooks/raw", raw)
            await sandbox.until(lambda: len(sandbox.business.changes) == 6)

            heard = [(each["field"], each["value"].get("event")) for each in sandbox.business.changes]
            assert heard == [
                ("message_template_status_update", "APPROVED"),
                ("message_template_status_update", "PAUSED"),
                ("template_category_update", None),
                ("message_template_quality_update", None),
                ("phone_number_quality_update", "FLAGGED"),
                ("account_alerts", None),
            ]
            assert isinstance(sandbox.business.changes[0]["value"]["message_template_id"], int)

    asyncio.run(scenario())


def test_customers_behave_as_the_seed_says_every_time() -> None:
    behaviours = {
        "read": 0.5,
        "fail": {"131026": 0.2, "131049": 0.1},
        "reply": {"share": 0.2, "text": ["Yes", "How much?"], "after": 0.0},
        "stop": {"share": 0.1, "text": "STOP", "after": 0.0},
        "stop_button": {"share": 0.05, "text": "stop", "after": 0.0},
    }

    async def campaign(seed: int) -> dict[str, list[str]]:
        async with stand(number={"throughput": None}, behaviours=behaviours, seed=seed) as sandbox:
            for start in range(0, 400, 50):
                await asyncio.gather(*(sandbox.send_template(f"97150000{i:04d}") for i in range(start, start + 50)))
            last = -1
            while last != len(sandbox.business.bodies):
                last = len(sandbox.business.bodies)
                await asyncio.sleep(0.25)
            heard: dict[str, list[str]] = {
                "read": [],
                "131026": [],
                "131049": [],
                "reply": [],
                "STOP": [],
                "tapped": [],
            }
            for status in sandbox.business.statuses:
                code = str(status["errors"][0]["code"]) if "errors" in status else status["status"]
                heard.setdefault(code, []).append(status["recipient_id"])
            for message in sandbox.business.messages:
                heard["STOP" if message["text"]["body"] == "STOP" else "reply"].append(message["from"])
            heard["tapped"] = [
                change["value"]["user_preferences"][0]["wa_id"]
                for change in sandbox.business.changes
                if change["field"] == "user_preferences"
            ]
            return {key: sorted(people) for key, people in heard.items()}

    async def scenario() -> None:
        first, again, other = await campaign(1), await campaign(1), await campaign(2)
        assert first == again
        assert first != other
        shares = {key: len(people) / 400 for key, people in first.items()}
        assert abs(shares["131026"] - 0.2) < 0.06
        assert abs(shares["131049"] - 0.1) < 0.05
        assert abs(shares["reply"] - 0.2 * 0.7) < 0.06
        assert abs(shares["STOP"] - 0.1 * 0.7) < 0.05
        assert set(first["reply"]) <= set(first["read"])

    asyncio.run(scenario())


def test_who_stopped_promotions_gets_no_marketing() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.admin("customers/971500000100/messages", {"type": "user_preferences", "value": "stop"})
            await sandbox.send_template()
            await sandbox.until(lambda: sandbox.business.statuses)

            preference = sandbox.business.changes[0]["value"]["user_preferences"][0]
            assert (preference["category"], preference["value"]) == ("marketing_messages", "stop")
            assert sandbox.business.statuses[0]["errors"][0]["code"] == 131050

    asyncio.run(scenario())


def test_a_reset_forgets_people_and_keeps_accounts() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.write()
            await sandbox.send(biz_opaque_callback_data="before")
            await sandbox.admin("faults", {"code": 131031})

            await sandbox.admin("reset", {})

            assert (await sandbox.admin("chats"))["chats"] == []
            summary = await sandbox.admin("summary")
            assert (summary["received"], summary["planned"], summary["statuses"]) == (0, 0, {})
            assert (await sandbox.send())[1]["error"]["code"] == 131047
            assert (await sandbox.send_template())[0] == 200

            await sandbox.admin("reset", {"accounts": True})
            assert (await sandbox.admin("healthz"))["accounts"] == 0

    asyncio.run(scenario())


def test_the_record_keeps_everything_but_the_token() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.send_template(biz_opaque_callback_data="once")
            await sandbox.send_template(biz_opaque_callback_data="once")
            await sandbox.send_template("971500000200", "too few")

            record = (await sandbox.admin("received?kind=messages"))["received"]
            assert TOKEN not in json.dumps(record)
            assert [each["status"] for each in record] == [200, 200, 400]
            assert record[0]["answer"]["messages"][0]["id"] == record[0]["accepted"]
            only = (await sandbox.admin(f"received?to=971500000200&since={record[0]['seq']}&limit=5"))["received"]
            assert [each["code"] for each in only] == [132000]

            summary = await sandbox.admin("summary?people")
            assert summary["messages"] == {"received": 3, "accepted": 2, "refused": {"132000": 1}, "faults": {}}
            assert summary["to"]["accepted_more_than_once"] == {"count": 1, "examples": {"971500000100": 2}}
            assert summary["biz_opaque_callback_data"]["accepted_more_than_once"]["examples"] == {"once": 2}
            assert summary["by_phone_number"] == {NUMBER: {"received": 3, "accepted": 2}}
            assert summary["to"]["accepted"] == {"971500000100": 2}

            await sandbox.admin("received", method="DELETE")
            assert (await sandbox.admin("summary"))["received"] == 0

    asyncio.run(scenario())
