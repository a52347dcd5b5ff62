"""POST /<phone number id>/messages: take a message or refuse it, and start its life. The hot path of benchmarks."""

from . import ids, templates
from .behaviour import Destiny, destiny
from .errors import MAGIC_ENDINGS, REFUSALS, GraphError, UnknownObject, invalid
from .ladder import Ladder
from .limits import RateLimit
from .media import MediaStore
from .validation import MEDIA, check_content
from .world import Chat, Customer, Json, Message, Number, Template, World

TYPING_LASTS = 25.0
LONGEST_CALLBACK_DATA = 512


class Sender:
    """Accepts messages for business numbers."""

    def __init__(self, world: World, ladder: Ladder, media: MediaStore) -> None:
        self.world = world
        self._ladder = ladder
        self._media = media
        self._throughput: dict[str, RateLimit] = {}
        self._pairs = RateLimit(interval=6.0, burst=45)

    def reset_limits(self) -> None:
        """Read the limits from the settings again and fill the buckets."""
        self._throughput.clear()
        self._pairs = RateLimit(interval=self.world.settings.pair_interval, burst=self.world.settings.pair_burst)

    def accept(self, number: Number, request: Json) -> tuple[Json, Message]:
        """Take one message: the answer, and the message as it will climb the ladder. Raises GraphError."""
        if number.status != "CONNECTED":
            raise GraphError(133010)
        self.use_throughput(number)
        if request.get("messaging_product") != "whatsapp":
            raise invalid("The parameter messaging_product is required.")
        asked, customer = self._recipient(request)
        kind = str(request.get("type") or "text")
        content = request.get(kind)
        check_content(kind, content)
        if content is None:  # check_content refuses a missing part; this is for the type checker
            raise invalid(f"The parameter {kind} is required.")
        callback_data = request.get("biz_opaque_callback_data")
        if callback_data is not None and len(str(callback_data)) > LONGEST_CALLBACK_DATA:
            raise invalid(f"Param biz_opaque_callback_data must be at most {LONGEST_CALLBACK_DATA} characters long.")
        if customer.wa_id == number.digits:
            raise GraphError(131021)
        code = self._magic(customer)
        if number.pair_limit and not self._pairs.allows(number.id + customer.user_id, self.world.now()):
            raise GraphError(131056, status=self.world.settings.rate_limit_status)
        chat = self.world.chat(number, customer)
        template = self._template(number, customer, content) if kind == "template" else None
        if template is None:
            code = code or self._outside_window(chat)
            if kind in MEDIA:
                self._check_media(number, kind, content)
        elif chat.stopped_marketing and template.category == "MARKETING":
            code = code or 131050
        message = Message(
            id=ids.message_id(customer.wa_id or customer.user_id),
            chat=chat,
            inbound=False,
            type=kind,
            content=content,
            at=self.world.now(),
            category=template.category.lower() if template else "service",
            callback_data=None if callback_data is None else str(callback_data),
            quoted=(request.get("context") or {}).get("message_id"),
            template=template,
        )
        self._take(message, code)
        receipt: Json = {"id": message.id}
        if template is not None:
            receipt["message_status"] = "accepted"
        contact = {"input": asked, "wa_id": customer.wa_id, "user_id": customer.user_id}
        if not customer.wa_id:
            del contact["wa_id"]
        return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [receipt]}, message

    def mark_read(self, number: Number, request: Json) -> Json:
        """`status: read`, and the typing indicator that may ride along. Only inbound messages can be read."""
        message = self.world.messages.get(str(request.get("message_id")))
        if message is None or message.chat.number is not number:
            raise UnknownObject(str(request.get("message_id")), "post")
        if not message.inbound:
            raise GraphError(100, "Message ID does not belong to a message sent by a user.")
        # Reading one message reads everything above it, as on a phone.
        for each in message.chat.messages:
            if each.inbound and each.at <= message.at and each.step == "delivered":
                each.step = "read"
        if request.get("typing_indicator"):
            message.chat.typing_until = self.world.now() + TYPING_LASTS
        self._ladder.on_change(message.chat)
        return {"success": True}

    def use_throughput(self, number: Number, *, refuse: bool = True) -> None:
        """Count one message against the number's messages per second, in either direction."""
        if number.throughput is None:
            return
        limit = self._throughput.get(number.id)
        if limit is None:
            limit = RateLimit(interval=1 / number.throughput, burst=number.throughput)
            self._throughput[number.id] = limit
        if not limit.allows("", self.world.now()) and refuse:
            raise GraphError(130429, status=self.world.settings.rate_limit_status)

    def _recipient(self, request: Json) -> tuple[str, Customer]:
        to, recipient = request.get("to"), request.get("recipient")
        if to:
            asked = str(to)
            digits = ids.bare(asked)
            # A user id in `to` has letters, so it ends here: it belongs in `recipient`.
            if not digits.isascii() or not digits.isdigit() or not 7 <= len(digits) <= 15:
                raise GraphError(131009, f"The phone number in 'to' is not valid: {asked[:40]}")
            return asked, self.world.customer(digits)
        if recipient:
            asked = str(recipient)
            known = self.world.customers.get(asked)
            if known is None:
                raise UnknownObject(asked, "post")
            return asked, known
        raise invalid("The parameter to is required.")

    def _magic(self, customer: Customer) -> int | None:
        """The code a failing number asks for by its last digits; raised at once if the answer would carry it."""
        if not self.world.settings.magic_numbers:
            return None
        code = MAGIC_ENDINGS.get(customer.wa_id[-6:])
        if code is not None and REFUSALS[code].road == "http":
            raise GraphError(code)
        return code

    def _outside_window(self, chat: Chat) -> int | None:
        rule = self.world.settings.window
        if rule == "off" or chat.is_open(self.world.now()):
            return None
        if rule == "http":
            raise GraphError(131047)
        return 131047

    def _template(self, number: Number, customer: Customer, content: Json) -> Template:
        name, language = str(content["name"]), str(content["language"]["code"])
        template = number.account.templates.get((name, language))
        refused = templates.REFUSED_STATUS.get(template.status) if template else None
        if refused is not None:
            raise GraphError(refused, f"template name ({name}) is {template.status.lower() if template else ''}")
        if template is None or template.status != "APPROVED":
            raise GraphError(132001, f"template name ({name}) does not exist in {language}")
        if template.category == "AUTHENTICATION" and not customer.wa_id:
            raise GraphError(131062)
        templates.check(template, content.get("components") or [])
        return template

    def _check_media(self, number: Number, kind: str, content: Json) -> None:
        media_id = content.get("id")
        if media_id is None:
            return
        media = self._media.find(str(media_id))
        if media is None or media.number_id != number.id:
            raise invalid(f"Param {kind}['id'] is not a valid whatsapp business account media attachment ID")

    def _take(self, message: Message, code: int | None) -> None:
        chat, template, settings = message.chat, message.template, self.world.settings
        if message.type == "reaction":
            target = self.world.messages.get(str(message.content.get("message_id")))
            if target is not None:
                target.reaction = str(message.content.get("emoji") or "")
        chat.typing_until = 0.0
        self.world.remember(message)
        if code is not None:
            fate = Destiny(fail=code, delivered=False)
        else:
            campaign = template.name if template else ""
            fate = destiny(
                settings.behaviours, settings.seed, chat.customer.key, campaign, is_template=template is not None
            )
        self._ladder.begin(message, fate)
        self._ladder.on_change(chat)
