"""pywa, somebody else's client of the Cloud API, sends to the sandbox and reads its webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.sandbox.stand import NUMBER, SECRET, TOKEN, Stand, stand

httpx = pytest.importorskip("httpx")
pywa = pytest.importorskip("pywa")

pytestmark = pytest.mark.filterwarnings("ignore:::pywa", "ignore::DeprecationWarning")


@contextmanager
def client(sandbox: Stand) -> Iterator[Any]:
    """pywa with its fixed address led to the sandbox."""

    class Detour(httpx.HTTPTransport):  # type: ignore[misc, name-defined]
        def handle_request(self, request: Any) -> Any:
            request.url = httpx.URL(sandbox.url).join(request.url.raw_path.decode())
            return super().handle_request(request)

    with httpx.Client(transport=Detour()) as session:
        yield pywa.WhatsApp(
            phone_id=NUMBER,
            token=TOKEN,
            session=session,
            server=None,
            app_secret=SECRET,
            verify_token="x",
            validate_updates=False,
        )


def test_pywa_sends_and_is_refused_as_by_meta() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            await sandbox.write()

            def use(whatsapp: Any) -> None:
                sent = whatsapp.send_message(to="971500000100", text="Hello", tracker="row 7")
                assert str(sent.id).startswith("wamid.")
                buttons = [pywa.types.Button(title="Saturday", callback_data="sat")]
                assert whatsapp.send_message(to="971500000100", text="When?", buttons=buttons)
                picture = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
                assert whatsapp.send_image(to="971500000100", image=picture, mime_type="image/png", caption="Villa")
                assert whatsapp.send_location(to="971500000100", latitude=25.0, longitude=55.3)
                with pytest.raises(pywa.errors.ReEngagementMessage):
                    whatsapp.send_message(to="971500000200", text="Hello")

            with client(sandbox) as whatsapp:
                await asyncio.to_thread(use, whatsapp)

            kinds = [each["body"]["type"] for each in (await sandbox.admin("received?kind=messages"))["received"]]
            assert kinds == ["text", "interactive", "image", "location", "text"]

    asyncio.run(scenario())


def test_pywa_reads_the_webhooks() -> None:
    async def scenario() -> None:
        async with stand(webhooks={"batch": 1}, behaviours={"read": 1.0}) as sandbox:
            who = "customers/971500000100/messages"
            await sandbox.admin(who, {"name": "Reem", "text": "مرحبا"})
            await sandbox.admin(who, {"type": "image", "image": {"caption": "Garden"}})
            await sandbox.admin(who, {"type": "location", "location": {"latitude": 25.0, "longitude": 55.3}})
            reply = {"type": "button_reply", "button_reply": {"id": "sat", "title": "Saturday"}}
            await sandbox.admin(who, {"type": "interactive", "interactive": reply})
            await sandbox.admin(who, {"type": "user_preferences", "value": "stop"})
            await sandbox.send(biz_opaque_callback_data="row 7")
            await sandbox.send_template("971500131026")
            await sandbox.until(lambda: len(sandbox.business.bodies) == 9)
            heard: list[Any] = []

            def read(whatsapp: Any) -> None:
                handlers = pywa.handlers
                for handler in (
                    handlers.MessageHandler,
                    handlers.CallbackButtonHandler,
                    handlers.MessageStatusHandler,
                    handlers.UserMarketingPreferencesHandler,
                ):
                    whatsapp.add_handlers(handler(lambda _, update: heard.append(update)))
                for body, signature in zip(sandbox.business.bodies, sandbox.business.signatures, strict=True):
                    assert pywa.utils.webhook_updates_validator(SECRET, body, signature)
                    assert whatsapp.webhook_update_handler(body) == ("ok", 200)

            with client(sandbox) as whatsapp:
                await asyncio.to_thread(read, whatsapp)

            kinds = [type(each).__name__ for each in heard]
            assert kinds[:5] == ["Message"] * 3 + ["CallbackButton", "UserMarketingPreferences"]
            assert sorted(kinds[5:]) == ["MessageStatus"] * 4
            assert (heard[0].text, heard[0].from_user.name, heard[0].from_user.wa_id) == (
                "مرحبا",
                "Reem",
                "971500000100",
            )
            assert heard[1].image.mime_type == "image/png"
            assert heard[3].data == "sat"
            statuses = heard[5:]
            assert {each.tracker for each in statuses if each.error is None} == {"row 7"}
            assert [each.error.code for each in statuses if each.error] == [131026]

    asyncio.run(scenario())
