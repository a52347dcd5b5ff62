"""Every way in which the provider can fail, switched on from outside, and the record of what really happened."""

from __future__ import annotations

import asyncio
from collections import Counter

import aiohttp
import pytest

from sandbox.whatsapp.errors import REFUSALS
from tests.sandbox.stand import NUMBER, TOKEN, Stand, stand


async def accepted(sandbox: Stand) -> int:
    return int((await sandbox.admin("summary"))["messages"]["accepted"])


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_every_code_can_be_switched_on(code: int) -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.admin("faults", {"kind": "error", "code": code, "times": 1, "retry_after": 7})

            status, answer = await sandbox.send_template()

            assert (status, answer["error"]["code"]) == (REFUSALS[code].status, code)
            assert await accepted(sandbox) == 0
            assert (await sandbox.send_template())[0] == 200

    asyncio.run(scenario())


def test_a_code_can_come_by_webhook_after_a_yes() -> None:
    async def scenario() -> None:
        async with stand(pace={"sent": 0.01, "delivered": 5.0}) as sandbox:
            await sandbox.admin("faults", {"kind": "error", "code": 131049, "via": "webhook"})
            assert (await sandbox.send_template())[0] == 200
            await sandbox.until(lambda: any(each["status"] == "failed" for each in sandbox.business.statuses))

            assert sandbox.business.statuses[-1]["errors"][0]["code"] == 131049

    asyncio.run(scenario())


@pytest.mark.parametrize(("kind", "taken"), [("timeout", 1), ("reset", 0), ("half_body", 1)])
def test_answers_that_never_fully_arrive(kind: str, taken: int) -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.admin("faults", {"kind": kind, "delay": 0.1})
            # A GET would be repeated by the client itself when its connection is torn; a POST is not.
            with pytest.raises(aiohttp.ClientError):
                await sandbox.send_template()

            assert await accepted(sandbox) == taken
            (entry,) = (await sandbox.admin("received?kind=messages"))["received"]
            assert entry["fault"] == kind

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["wrong_json", "empty"])
def test_a_yes_that_cannot_be_read(kind: str) -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.admin("faults", {"kind": kind})
            body = {
                "messaging_product": "whatsapp",
                "to": "971500000100",
                "type": "template",
                "template": {"name": "hello", "language": {"code": "en"}, "components": []},
            }
            url, headers = f"{sandbox.url}/v25.0/{NUMBER}/messages", {"Authorization": f"Bearer {TOKEN}"}
            async with sandbox.session.post(url, json=body, headers=headers) as answer:
                assert answer.status == 400  # a refused message is refused, whatever the switch

            texts = [{"type": "text", "text": "x"}] * 2
            template = {**body["template"], "components": [{"type": "body", "parameters": texts}]}  # type: ignore[dict-item]
            async with sandbox.session.post(url, json={**body, "template": template}, headers=headers) as answer:
                text = await answer.text()
                assert answer.status == 200
                assert "wamid" not in text
            assert await accepted(sandbox) == 1

    asyncio.run(scenario())


def test_plain_server_errors_and_throttling() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.admin("faults", {"kind": "http", "status": 503, "retry_after": 2, "times": 1})
            headers = {"Authorization": f"Bearer {TOKEN}"}
            async with sandbox.session.post(
                f"{sandbox.url}/v25.0/{NUMBER}/messages", json={}, headers=headers
            ) as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
                assert answer.content_type == "text/html"

    asyncio.run(scenario())


def test_slow_answers_arrive_whole() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            for kind in ("slow", "drip"):
                await sandbox.admin("faults", {"kind": kind, "delay": 0.3, "times": 1})
                started = asyncio.get_running_loop().time()
                status, answer = await sandbox.send_template()
                assert (status, bool(answer["messages"][0]["id"])) == (200, True)
                assert asyncio.get_running_loop().time() - started >= 0.25

    asyncio.run(scenario())


def test_a_dead_token_comes_back_to_life() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.admin("faults", {"kind": "unauthorized", "where": "graph", "seconds": 3600})
            status, answer = await sandbox.send_template()
            assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (401, 190, 463)
            assert (await sandbox.graph("GET", NUMBER))[0] == 401

            await sandbox.admin("clock", {"advance": 3601})
            assert (await sandbox.send_template())[0] == 200

    asyncio.run(scenario())


def test_faults_strike_whom_they_are_meant_for() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.admin("faults", {"code": 131031, "to_ends_with": "00200"})
            await sandbox.admin("faults", {"code": 131042, "phone_number_id": "another number"})

            assert (await sandbox.send_template("971500000100"))[0] == 200
            assert (await sandbox.send_template("971500000200"))[1]["error"]["code"] == 131031

            listed = await sandbox.admin("faults")
            assert [each["struck"] for each in listed["faults"]] == [1, 0]
            assert await sandbox.admin("faults", method="DELETE") == {"removed": 2}
            assert (await sandbox.send_template("971500000200"))[0] == 200

    asyncio.run(scenario())


def test_chance_is_seeded() -> None:
    async def struck() -> list[int]:
        async with stand(number={"throughput": None, "pair_limit": False}) as sandbox:
            await sandbox.admin("faults", {"code": 131000, "share": 0.3, "seed": 5})
            return [(await sandbox.send_template())[0] for _ in range(100)]

    async def scenario() -> None:
        first = await struck()
        assert first == await struck()
        assert 18 <= Counter(first)[500] <= 42

    asyncio.run(scenario())


@pytest.mark.parametrize("wrong", [{"kind": "meteor"}, {"where": "moon"}, {"tmes": 3}, {"code": 424242}])
def test_a_switch_that_could_never_strike_is_refused(wrong: dict[str, object]) -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            async with sandbox.session.post(f"{sandbox.url}/_sandbox/faults", json=wrong) as answer:
                assert answer.status == 400

            assert (await sandbox.admin("faults"))["faults"] == []

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "wrong", [{"pase": {}}, {"pace": {"snt": 1}}, {"webhooks": {"mode": "maybe"}}, {"accounts": [{"tok": 1}]}]
)
def test_a_misspelt_configuration_is_refused(wrong: dict[str, object]) -> None:
    async def scenario() -> None:
        async with stand() as sandbox, sandbox.session.post(f"{sandbox.url}/_sandbox/configure", json=wrong) as answer:
            assert answer.status == 400
            assert "unknown" in (await answer.text()) or "one of" in (await answer.text())

    asyncio.run(scenario())
