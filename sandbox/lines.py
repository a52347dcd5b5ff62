"""Lines that break: how an answer is spoilt on its way to a client, whoever's answer it is."""

import asyncio
import socket
import struct

from aiohttp import web

JSON = "application/json"


def page(status: int, retry_after: int | None = None) -> web.Response:
    """What proxies answer: a page of HTML."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    text = b"<html><head><title>Sorry, something went wrong.</title></head><body></body></html>"
    return web.Response(status=status, body=text, content_type="text/html", headers=headers)


async def broken(kind: str, request: web.Request, *, status: int, answer: bytes, delay: float) -> web.StreamResponse:
    """The answer as this kind of fault leaves it: reset, timeout, slow, drip, half_body, empty; others whole."""
    if kind == "reset":
        _forbid_farewell(request)
        return _torn(request)
    if kind == "timeout":
        await asyncio.sleep(delay)
        return _torn(request)
    if kind == "slow":
        await asyncio.sleep(delay)
    if kind == "empty":
        answer = b""
    if kind in ("half_body", "drip"):
        return await _broken_stream(kind, request, status, answer, delay)
    return web.Response(status=status, body=answer, content_type=JSON)


async def _broken_stream(
    kind: str, request: web.Request, status: int, answer: bytes, delay: float
) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers={"Content-Type": JSON})
    response.content_length = len(answer)
    await response.prepare(request)
    if kind == "half_body":
        await response.write(answer[: len(answer) // 2])
        await asyncio.sleep(0.05)  # let the half reach the client before the connection goes
        return _torn(request, response)
    for byte in answer:
        await response.write(bytes((byte,)))
        await asyncio.sleep(delay / max(1, len(answer)))
    await response.write_eof()
    return response


def _forbid_farewell(request: web.Request) -> None:
    """Make closing the connection a reset (RST), not an orderly end."""
    if request.transport is not None and (connection := request.transport.get_extra_info("socket")) is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _torn(request: web.Request, response: web.StreamResponse | None = None) -> web.StreamResponse:
    transport = request.transport
    if transport is not None:
        transport.abort()
    return response or web.Response()
