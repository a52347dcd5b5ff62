"""The phone beside the API (coexistence): what the business writes on it, what was said before, and who rings."""

from typing import Any

from . import ids, payloads
from .customers import BadMessage, Customers
from .mailer import Mailer
from .world import Json, Message, Number, World

STATUSES = ("PENDING", "SENT", "DELIVERED", "READ", "PLAYED", "ERROR")


class Phone:
    """The WhatsApp Business app of a number, and the calls of its customers."""

    def __init__(self, world: World, mailer: Mailer, customers: Customers) -> None:
        self.world = world
        self._mailer = mailer
        self._customers = customers

    def write(self, number: Number, request: Json) -> str:
        """Somebody of the business writes on the phone. Returns the wamid of the echo."""
        customer = self.world.customer(str(request.get("to") or ""))
        chat, kind = self.world.chat(number, customer), str(request.get("type") or "text")
        wamid = str(request.get("id") or ids.message_id(customer.key))
        at = self.world.now() - 3600 * float(request.get("hours_ago") or 0)
        content = self._customers.content_of(chat, kind, request, is_inbound=False)
        echo: Json = {"from": number.digits, "id": wamid, "timestamp": str(int(at)), "type": kind, kind: content}
        echo |= {"to": customer.wa_id} if customer.wa_id else {"to_user_id": customer.user_id}
        if kind not in ("edit", "revoke", "reaction"):
            self.world.remember(
                Message(wamid, chat, inbound=False, type=kind, content=content, at=at, step="delivered")
            )
        self._mailer.post(
            number.account,
            payloads.change(number, "smb_message_echoes", contacts=[payloads.contact(customer)], message_echoes=[echo]),
        )
        return wamid

    def share_history(self, number: Number, request: Json) -> int:
        """The business shares what was said before, one chunk a call. Returns how many messages it holds."""
        threads = [self._thread(number, each) for each in request.get("threads") or []]
        where = {"phase": request.get("phase", 0), "chunk_order": request.get("chunk_order", 1)}
        where["progress"] = request.get("progress", 100)
        chunk: Json = {"metadata": where, "threads": threads}
        if request.get("declined"):
            chunk = {"errors": [{"code": 2593109, "title": "History sync is turned off by the business"}]}
        self._mailer.post(number.account, payloads.change(number, "history", history=[chunk]))
        return sum(len(each["messages"]) for each in threads)

    def ring(self, number: Number, key: str, request: Json) -> str:
        """A customer calls, or a call ends. Returns the id of the call."""
        customer = self.world.customer(key)
        call = str(request.get("id") or f"wacid.{ids.object_id()}")
        event, now = str(request.get("event") or "connect"), int(self.world.now())
        if event not in ("connect", "terminate"):
            raise BadMessage("event: connect or terminate")
        item: Json = {"id": call, "event": event, "timestamp": str(now), "direction": "USER_INITIATED"}
        item |= {"to": number.digits, "from_user_id": customer.user_id}
        if customer.wa_id:
            item["from"] = customer.wa_id
        if event == "terminate":
            seconds = int(request.get("duration") or 0)
            item["status"] = "COMPLETED" if seconds else "FAILED"
            if seconds:
                item |= {"duration": seconds, "start_time": str(now - seconds), "end_time": str(now)}
        else:
            item["session"] = {"sdp_type": "offer", "sdp": "v=0"}
        chat = self.world.chat(number, customer)
        chat.wrote_at = max(chat.wrote_at, float(now))
        self._mailer.post(
            number.account, payloads.change(number, "calls", contacts=[payloads.contact(customer)], calls=[item])
        )
        return call

    def _thread(self, number: Number, request: Json) -> Json:
        customer = self.world.customer(str(request.get("with") or ""))
        context: Json = {"user_id": customer.user_id}
        if customer.wa_id:
            context["wa_id"] = customer.wa_id
        if request.get("name"):
            context["name"] = str(request["name"])
        messages = [self._past(number, customer.wa_id or customer.user_id, each) for each in request["messages"]]
        return {"id": customer.key, "context": context, "messages": messages}

    def _past(self, number: Number, who: str, request: Json) -> Json:
        status = str(request.get("status") or "READ")
        if status not in STATUSES:
            raise BadMessage(f"status must be one of {', '.join(STATUSES)}")
        kind = str(request.get("type") or "text")
        at = int(self.world.now() - 3600 * float(request.get("hours_ago") or 0))
        item: Json = {
            "from": number.digits if request.get("ours") else who,
            "id": str(request.get("id") or ids.message_id(who)),
            "timestamp": str(at),
            "type": kind,
            "history_context": {"status": status},
        }
        if request.get("ours"):
            item["to"] = who
        content: Any = {"body": str(request["text"])} if kind == "text" else request.get(kind)
        if content is not None:
            item[kind] = content
        return item
