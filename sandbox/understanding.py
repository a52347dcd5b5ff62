"""A stand-in for a hosted model that says what messages mean: knows three words, and fails when it is told to.

POST /understanding like messaging/understanding/hosted.py asks it. POST /_sandbox/understanding {"fault": "down" | "slow" |
"nonsense" | ""} decides how it answers; GET shows what it was asked.
"""

import asyncio
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Model:
    fault: str = ""
    asked: list[dict[str, object]] = field(default_factory=list)


MODEL = web.AppKey("understanding", Model)
SLOW_SECONDS = 30


async def read(request: web.Request) -> web.StreamResponse:
    model = request.app[MODEL]
    body = await request.json()
    model.asked.append({"text": body["text"], "token": request.headers.get("Authorization", "")})
    if model.fault == "down":
        return web.json_response({"error": "overloaded"}, status=503)
    if model.fault == "slow":
        await asyncio.sleep(SLOW_SECONDS)
    if model.fault == "nonsense":
        return web.json_response({"sentiment": "furious", "intent": "?"})
    text = str(body["text"]).casefold()
    intent = next((intent for word, intent in (("price", "price"), ("visit", "viewing")) if word in text), "enquiry")
    sentiment = "negative" if "bad" in text else "positive"
    return web.json_response({"language": "xx", "sentiment": sentiment, "intent": intent})


async def show(request: web.Request) -> web.StreamResponse:
    model = request.app[MODEL]
    return web.json_response({"fault": model.fault, "asked": model.asked})


async def change(request: web.Request) -> web.StreamResponse:
    model = request.app[MODEL]
    model.fault = str((await request.json()).get("fault", ""))
    model.asked.clear()
    return web.json_response({"fault": model.fault})
