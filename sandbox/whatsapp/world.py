"""Everything the sandbox knows: accounts and their numbers, people, chats, messages, media. All in memory."""

import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any

from . import ids
from .settings import Settings

Json = dict[str, Any]

WINDOW = 24 * 3600.0
FREE_ENTRY = 72 * 3600.0
CHAT_KEEPS = 200
REMEMBERED_MESSAGES = 300_000
RANKS = {"accepted": 0, "sent": 1, "delivered": 2, "read": 3, "played": 4, "failed": 5, "deleted": 6}


@dataclass(slots=True)
class Template:
    """One template in one language, with the parameters a send must bring."""

    id: str
    name: str
    language: str
    category: str
    status: str
    components: list[Json]
    parameter_format: str = "POSITIONAL"
    quality: str = "UNKNOWN"
    rejected_reason: str = "NONE"
    edited: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Account:
    """A WhatsApp Business Account with the app that listens to it."""

    id: str
    name: str = "Sandbox"
    app_id: str = "100000000000001"
    app_secret: str = ""
    verify_token: str = ""
    callback_url: str = ""
    tokens: set[str] = field(default_factory=set)
    numbers: list["Number"] = field(default_factory=list)
    templates: dict[tuple[str, str], Template] = field(default_factory=dict)
    subscribed: bool = False
    portfolio_id: str = ""
    messaging_limit: str = "TIER_UNLIMITED"
    token_expires_at: int = 0
    scopes: tuple[str, ...] = ("whatsapp_business_management", "whatsapp_business_messaging", "business_management")
    deleted: dict[tuple[str, str], float] = field(default_factory=dict)

    def admits(self, token: str) -> bool:
        """Whether this bearer token may act for the account. Without configured tokens any non-empty one may."""
        return token in self.tokens if self.tokens else bool(token)


@dataclass(slots=True)
class Number:
    """A business phone number. `throughput` is messages per second; None is unlimited, for benchmarks."""

    id: str
    account: Account
    display_phone_number: str
    digits: str
    verified_name: str = "Sandbox"
    throughput: int | None = 80
    pair_limit: bool = True
    quality_rating: str = "GREEN"
    status: str = "CONNECTED"
    name_status: str = "APPROVED"
    on_phone: bool = False
    profile: Json = field(default_factory=dict)


@dataclass(slots=True)
class Customer:
    """A person on WhatsApp. A username-only user has no phone that businesses may see: `wa_id` is empty."""

    user_id: str
    wa_id: str = ""
    name: str = ""
    username: str = ""

    @property
    def key(self) -> str:
        """What the admin endpoints call this person: the phone, or the user id of one who hides it."""
        return self.wa_id or self.user_id


@dataclass(slots=True)
class Message:
    """One message of a chat, either way. `step` is the furthest status it has reached."""

    id: str
    chat: "Chat"
    inbound: bool
    type: str
    content: Any
    at: float
    step: str = "accepted"
    category: str = "service"
    callback_data: str | None = None
    quoted: str | None = None
    error: int | None = None
    reaction: str = ""
    template: Template | None = None

    def reach(self, step: str) -> bool:
        """Move up the ladder. False if the message is already there or further."""
        if RANKS[step] <= RANKS[self.step]:
            return False
        self.step = step
        return True


@dataclass(slots=True)
class Chat:
    """One person's chat with one business number."""

    number: Number
    customer: Customer
    wrote_at: float = -WINDOW
    referred_at: float = -WINDOW
    free_until: float = 0.0
    active_at: float = 0.0
    stopped_marketing: bool = False
    unread: int = 0
    typing_until: float = 0.0
    messages: list[Message] = field(default_factory=list)

    def is_open(self, now: float) -> bool:
        """Whether the 24-hour customer service window is open."""
        return now - self.wrote_at < WINDOW

    def is_free(self, now: float) -> bool:
        """Whether messages cost nothing: 72 hours from the first answer to who came by an advertisement."""
        if not self.free_until and now - self.referred_at < WINDOW:
            self.free_until = now + FREE_ENTRY
        return now < self.free_until

    def add(self, message: Message) -> None:
        """Append a message; the oldest go once the chat is long."""
        self.messages.append(message)
        self.active_at = message.at
        if len(self.messages) > CHAT_KEEPS:
            del self.messages[: -CHAT_KEEPS // 2]


class World:
    """The state of the stand-in, and the clock it lives by."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.accounts: dict[str, Account] = {}
        self.numbers: dict[str, Number] = {}
        self.templates: dict[str, Template] = {}
        self.forget()

    def forget(self) -> None:
        """Start a new day: the accounts stay, everybody they ever talked to is gone, the clock is right again."""
        self.ahead = 0.0
        self.customers: dict[str, Customer] = {}
        self.chats: OrderedDict[tuple[str, str], Chat] = OrderedDict()
        self.messages: dict[str, Message] = {}
        self._remembered: deque[str] = deque()

    def now(self) -> float:
        """Unix time, moved ahead by as much as /_sandbox/clock was told to."""
        return time.time() + self.ahead

    def customer(self, key: str) -> Customer:
        """The person with this phone or user id, known or new. One person is found by either."""
        known = self.customers.get(key)
        if known is None:
            known = Customer(user_id=key) if ids.is_user_id(key) else Customer(user_id=ids.user_id(key), wa_id=key)
            self.customers[key] = self.customers[known.user_id] = known
        return known

    def chat(self, number: Number, customer: Customer) -> Chat:
        """The chat of this person with this number, moved to the end: the order is that of the last activity."""
        key = (number.id, customer.user_id)
        chat = self.chats.get(key)
        if chat is None:
            chat = self.chats[key] = Chat(number, customer)
        else:
            self.chats.move_to_end(key)
        return chat

    def remember(self, message: Message) -> None:
        """Keep a message findable by its wamid, and drop the oldest beyond the limit."""
        message.chat.add(message)
        self.messages[message.id] = message
        self._remembered.append(message.id)
        if len(self._remembered) > REMEMBERED_MESSAGES:
            self.messages.pop(self._remembered.popleft(), None)

    def add_template(self, account: Account, template: Template) -> None:
        """Put a template where sends find it by name and language, and reads by id."""
        account.templates[(template.name, template.language)] = template
        self.templates[template.id] = template

    def remove_template(self, account: Account, template: Template) -> None:
        """Take a template away again."""
        account.templates.pop((template.name, template.language), None)
        self.templates.pop(template.id, None)

    def account_of(self, template: Template) -> Account:
        """The account that owns a template."""
        key = (template.name, template.language)
        return next(each for each in self.accounts.values() if each.templates.get(key) is template)
