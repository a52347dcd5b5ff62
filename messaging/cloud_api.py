"""The WhatsApp Cloud API over HTTP. The same client in production, demo and tests: only its base address differs.

Nothing here logs a token, a number or a text.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace, TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import aiohttp
import orjson
from django.conf import settings

from messaging.error_codes import is_outage
from messaging.errors import WhatsAppRefused, WhatsAppUnavailable
from messaging.gateway import Accepted, Credentials, InDoubt, NotSent, Outcome, Refused, RemoteMedia

__all__ = [
    "Accepted",
    "CloudClient",
    "Credentials",
    "InDoubt",
    "NotSent",
    "Outcome",
    "Refused",
    "RemoteMedia",
    "ask",
    "credentials_of",
]

AnswerT = TypeVar("AnswerT")

CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 15.0
MEDIA_SECONDS = 120.0
LARGEST_ANSWER = 1024 * 1024
CHUNK = 256 * 1024
TEMPLATES_A_PAGE = 200
MOST_PAGES = 100
# Media addresses carry our token, so it goes only to Meta's file servers and to the API itself.
MEDIA_HOSTS = (".fbsbx.com", ".whatsapp.net", ".facebook.com", ".fbcdn.net")
PHONE_NUMBER_FIELDS = (
    "id,display_phone_number,verified_name,name_status,quality_rating,status,throughput,platform_type,is_on_biz_app,"
    "whatsapp_business_manager_messaging_limit"
)


class CloudClient:
    """A pool of connections to the Graph API; implements messaging.gateway.Gateway.

    `connections`: how many at a time. `timeout`: seconds for one call, the wait for a free connection included.
    """

    def __init__(
        self,
        *,
        connections: int = 100,
        connect_timeout: float = CONNECT_SECONDS,
        timeout: float = TOTAL_SECONDS,
        base_url: str | None = None,
        version: str | None = None,
    ) -> None:
        self._origin = (base_url or settings.WHATSAPP_API_URL).rstrip("/")
        self._base = f"{self._origin}/{version or settings.WHATSAPP_API_VERSION}"
        self._connections = connections
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=connect_timeout)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        tracing = aiohttp.TraceConfig()
        tracing.on_request_headers_sent.append(_note_written)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, limit_per_host=0, keepalive_timeout=15),
            timeout=self._timeout,
            trace_configs=[tracing],
            # Whatever answers, no cookie of one number's call may reach another's.
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send_message(self, credentials: Credentials, payload: Mapping[str, Any]) -> Outcome:
        """Send one message body (messaging/payloads.py). Never raises for what WhatsApp or the network do."""
        written = {"bytes": False}
        try:
            async with self._http().post(
                f"{self._base}/{credentials.phone_number_id}/messages",
                data=orjson.dumps(payload),
                headers=self._authorised(credentials, json=True),
                allow_redirects=False,
                trace_request_ctx=written,
            ) as answer:
                return _outcome(answer.status, await _read(answer))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            reason = type(error).__name__
            return InDoubt(reason) if written["bytes"] else NotSent(reason)

    async def mark_read(self, credentials: Credentials, payload: Mapping[str, Any]) -> None:
        """Blue ticks, and the typing indicator that may ride along."""
        await self._call("POST", f"{credentials.phone_number_id}/messages", credentials, json=payload)

    async def upload_media(self, credentials: Credentials, content: bytes, mime_type: str, name: str) -> str:
        """Hand over a file; returns its id, good for 30 days."""
        form = aiohttp.FormData()
        form.add_field("messaging_product", "whatsapp")
        form.add_field("type", mime_type)
        form.add_field("file", content, filename=name, content_type=mime_type)
        answer = await self._call(
            "POST", f"{credentials.phone_number_id}/media", credentials, form=form, seconds=MEDIA_SECONDS
        )
        return str(answer["id"])

    async def media(self, credentials: Credentials, media_id: str) -> RemoteMedia:
        """Where a file lies now: the first of the two hops."""
        query = {"phone_number_id": credentials.phone_number_id}
        answer = await self._call("GET", media_id, credentials, query=query)
        return RemoteMedia(
            url=str(answer["url"]),
            mime_type=str(answer.get("mime_type", "")),
            file_size=int(answer.get("file_size") or 0),
            sha256=str(answer.get("sha256", "")),
        )

    @asynccontextmanager
    async def download(self, credentials: Credentials, media: RemoteMedia) -> AsyncIterator[AsyncIterator[bytes]]:
        """The second hop, a chunk at a time. Refuses an address that is not WhatsApp's: the token goes with it."""
        self._require_known_host(media.url)
        try:
            async with self._http().get(
                media.url,
                headers=self._authorised(credentials),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=MEDIA_SECONDS, sock_connect=CONNECT_SECONDS),
            ) as answer:
                if answer.status != 200:
                    raise _refusal(answer.status, await _read(answer))
                yield answer.content.iter_chunked(CHUNK)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise WhatsAppUnavailable("The file could not be fetched from WhatsApp; it is tried again.") from error

    async def phone_number(self, credentials: Credentials) -> dict[str, Any]:
        """What WhatsApp says of the number: display number, quality, status, limit."""
        return await self._call("GET", credentials.phone_number_id, credentials, query={"fields": PHONE_NUMBER_FIELDS})

    async def templates(self, credentials: Credentials, waba_id: str) -> list[dict[str, Any]]:
        """Every template of the account, all pages."""
        found: list[dict[str, Any]] = []
        query = {"limit": str(TEMPLATES_A_PAGE)}
        for _ in range(MOST_PAGES):
            answer = await self._call("GET", f"{waba_id}/message_templates", credentials, query=query)
            found += answer.get("data") or []
            paging = answer.get("paging") or {}
            after = (paging.get("cursors") or {}).get("after")
            if not paging.get("next") or not after:
                break
            query["after"] = str(after)
        return found

    async def create_template(
        self, credentials: Credentials, waba_id: str, template: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Hand in a template for review; returns id, status and category."""
        return await self._call("POST", f"{waba_id}/message_templates", credentials, json=template)

    async def edit_template(
        self, credentials: Credentials, template_id: str, changes: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Replace all components of a template, or its category; it returns to review."""
        return await self._call("POST", template_id, credentials, json=changes)

    async def delete_template(self, credentials: Credentials, waba_id: str, name: str, template_id: str) -> None:
        """Delete a template in one language, or with an empty id in all."""
        query = {"name": name, **({"hsm_id": template_id} if template_id else {})}
        await self._call("DELETE", f"{waba_id}/message_templates", credentials, query=query)

    async def unpause_template(self, credentials: Credentials, template_id: str) -> None:
        """Take a template out of the pause that pacing gave it."""
        await self._call("POST", f"{template_id}/unpause", credentials)

    async def upload_example(
        self, credentials: Credentials, app_id: str, content: bytes, mime_type: str, name: str
    ) -> str:
        """Hand over the example of a template's header; returns the handle by which the template names it."""
        query = {"file_name": name, "file_length": str(len(content)), "file_type": mime_type}
        session = await self._call("POST", f"{app_id}/uploads", credentials, query=query)
        answer = await self._call(
            "POST", str(session["id"]), credentials, raw=content, seconds=MEDIA_SECONDS, scheme="OAuth"
        )
        return str(answer["h"])

    async def account(self, credentials: Credentials, waba_id: str) -> dict[str, Any]:
        """The account, its portfolio, its numbers, and which apps hear of it."""
        shown = await self._call("GET", waba_id, credentials, query={"fields": "id,name,owner_business_info"})
        numbers = await self._call("GET", f"{waba_id}/phone_numbers", credentials, query={"fields": "id"})
        apps = await self._call("GET", f"{waba_id}/subscribed_apps", credentials)
        return {**shown, "phone_numbers": numbers.get("data") or [], "subscribed_apps": apps.get("data") or []}

    async def subscribe_app(self, credentials: Credentials, waba_id: str) -> None:
        """Ask that the account's webhooks come to our app."""
        await self._call("POST", f"{waba_id}/subscribed_apps", credentials)

    async def debug_token(self, credentials: Credentials) -> dict[str, Any]:
        """What the token is good for."""
        answer = await self._call("GET", "debug_token", credentials, query={"input_token": credentials.access_token})
        return dict(answer.get("data") or {})

    async def _call(
        self,
        method: str,
        path: str,
        credentials: Credentials,
        *,
        json: Mapping[str, Any] | None = None,
        form: aiohttp.FormData | None = None,
        raw: bytes | None = None,
        query: Mapping[str, str] | None = None,
        seconds: float = TOTAL_SECONDS,
        scheme: str = "Bearer",
    ) -> dict[str, Any]:
        data = form if form is not None else raw if raw is not None else None if json is None else orjson.dumps(json)
        headers = self._authorised(credentials, json=json is not None, scheme=scheme)
        if raw is not None:
            headers |= {"file_offset": "0", "Content-Type": "application/octet-stream"}
        try:
            async with self._http().request(
                method,
                f"{self._base}/{path}",
                data=data,
                params=query,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS),
            ) as answer:
                body = await _read(answer)
                if answer.status != 200:
                    raise _refusal(answer.status, body)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise WhatsAppUnavailable(
                "WhatsApp did not answer; try again in a minute.", reason=type(error).__name__
            ) from error
        parsed = _parsed(body)
        if parsed is None:
            raise WhatsAppUnavailable("WhatsApp gave an answer that cannot be read; try again in a minute.")
        if parsed.get("success") is False:  # some refusals come with a 200
            raise WhatsAppRefused(f"WhatsApp refused: {parsed.get('reason') or 'no reason given'}", status=200)
        return parsed

    def _authorised(self, credentials: Credentials, *, json: bool = False, scheme: str = "Bearer") -> dict[str, str]:
        headers = {"Authorization": f"{scheme} {credentials.access_token}"}
        if json:
            headers["Content-Type"] = "application/json"
        return headers

    def _require_known_host(self, url: str) -> None:
        parts, own = urlsplit(url), urlsplit(self._origin)
        if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
            return
        if parts.scheme != "https" or not (parts.hostname or "").endswith(MEDIA_HOSTS):
            raise WhatsAppRefused("The file lies at an address that is not WhatsApp's; it was not fetched.")

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("use `async with CloudClient() as client`")
        return self._session


def ask(question: Callable[[CloudClient], Awaitable[AnswerT]], *, timeout: float = TOTAL_SECONDS) -> AnswerT:
    """Open a line, ask one thing, close it: for tasks and doors, which are not asynchronous."""

    async def asking() -> AnswerT:
        async with CloudClient(connections=4, timeout=timeout) as client:
            return await question(client)

    return asyncio.run(asking())


def credentials_of(channel: Any) -> Credentials:
    """The right of a messaging.models.Channel."""
    return Credentials(phone_number_id=channel.phone_number_id, access_token=channel.access_token)


async def _note_written(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
    if context.trace_request_ctx is not None:
        context.trace_request_ctx["bytes"] = True


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The whole answer, but never more than an answer of this API can be."""
    body = bytearray()
    async for chunk in answer.content.iter_chunked(CHUNK):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise ValueError("the answer is too long")
    return bytes(body)


def _outcome(status: int, body: bytes) -> Outcome:
    parsed = _parsed(body)
    if status == 200:
        receipt = _accepted(parsed)
        return receipt if receipt is not None else InDoubt("unreadable answer")
    refused = _refused(status, parsed)
    if status >= 500 and (refused.code is None or is_outage(refused.code)):
        return InDoubt(f"HTTP {status}")
    return refused


def _accepted(parsed: dict[str, Any] | None) -> Accepted | None:
    try:
        message_id = (parsed or {})["messages"][0]["id"]
        contact = ((parsed or {}).get("contacts") or [{}])[0]
        return Accepted(str(message_id), str(contact.get("wa_id") or ""), str(contact.get("user_id") or ""))
    except (KeyError, IndexError, TypeError, AttributeError):
        return None


def _refused(status: int, parsed: dict[str, Any] | None) -> Refused:
    error = (parsed or {}).get("error")
    if not isinstance(error, dict):
        return Refused(status, None)
    data = error.get("error_data")
    details = str(data.get("details") or "") if isinstance(data, dict) else ""
    details = details or str(error.get("error_user_msg") or "")  # where it concerns templates
    code = error.get("code")
    return Refused(
        status, code if isinstance(code, int) else None, str(error.get("message") or "")[:200], details[:500]
    )


def _refusal(status: int, body: bytes) -> WhatsAppRefused | WhatsAppUnavailable:
    refused = _refused(status, _parsed(body))
    if status >= 500 or status == 429:
        return WhatsAppUnavailable("WhatsApp cannot answer now; try again in a minute.", status=status)
    message = refused.details or refused.title or f"HTTP {status}"
    return WhatsAppRefused(f"WhatsApp refused: {message}", status=status, whatsapp_code=refused.code)


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return parsed if isinstance(parsed, dict) else None
