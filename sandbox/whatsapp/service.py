"""The parts of the stand-in, put together once for each server."""

from typing import Any

from . import ids, templates
from .agenda import Agenda
from .customers import Customers
from .errors import GraphError
from .faults import Faults
from .journal import Journal
from .ladder import Ladder
from .live import Live
from .mailer import Mailer
from .media import MediaStore
from .phone import Phone
from .sending import Sender
from .settings import BadSetting, Settings, merge
from .world import Account, Json, Number, Template, World

ACCOUNT_KEYS = (
    "id", "name", "app_id", "app_secret", "verify_token", "callback_url", "token", "tokens", "numbers", "templates",
    "portfolio_id", "messaging_limit", "token_expires_at", "scopes", "subscribed",
)  # fmt: skip
NUMBER_KEYS = (
    "id", "display_phone_number", "verified_name", "throughput", "pair_limit", "quality_rating", "status",
    "name_status", "on_phone",
)  # fmt: skip


class Service:
    """One WhatsApp Cloud API with everything behind it."""

    def __init__(self, public_url: str) -> None:
        self.world = World()
        self.agenda = Agenda()
        self.journal = Journal(self.world.settings.record)
        self.faults = Faults()
        self.live = Live()
        self.mailer = Mailer(self.world)
        self.media = MediaStore(self.world, public_url)
        self.ladder = Ladder(self.world, self.agenda, self.mailer)
        self.sender = Sender(self.world, self.ladder, self.media)
        self.customers = Customers(self.world, self.mailer, self.ladder, self.media, self.sender)
        self.phone = Phone(self.world, self.mailer, self.customers)
        self.ladder.on_change = self.live.touch

    def reset(self, *, accounts: bool) -> None:
        """Forget chats, media, faults, records and everything planned; with `accounts` also who there is."""
        self.world.forget()
        if accounts:
            self.world.settings = Settings()
            for known in (self.world.accounts, self.world.numbers, self.world.templates):
                known.clear()
        self.agenda.forget()
        self.faults.remove()
        self.journal.forget()
        self.mailer.forget()
        self.media.forget()
        self.ladder.counts.clear()
        self.sender.reset_limits()
        self.live.touch_all()

    async def configure(self, request: Json) -> Json:
        """Apply a configuration document; shakes hands with every callback it names. Raises BadSetting."""
        wanted = dict(request)
        accounts = wanted.pop("accounts", [])
        reset = wanted.pop("reset", False)
        settings = merge(Settings() if reset else self.world.settings, wanted)
        if reset:
            self.reset(accounts=True)
        before, self.world.settings = self.world.settings, settings
        self.journal.resize(settings.record)
        self.sender.reset_limits()
        touched = [self._configure_account(each) for each in accounts]
        if before.webhooks.concurrency != settings.webhooks.concurrency:
            await self.mailer.start()
        if before.webhooks.timeout != settings.webhooks.timeout:
            await self.mailer.start()
        self.live.touch_all()
        report = []
        for account, shake in touched:
            shaken = await self.mailer.handshake(account) if shake else None
            report.append({"id": account.id, "numbers": [each.id for each in account.numbers], "handshake": shaken})
        return {"accounts": report}

    def set_template(self, template: Template, changes: Json) -> None:
        """What Meta does to a template by itself: status, category or quality, each with its webhook."""
        account = self.world.account_of(template)
        if "status" in changes:
            if changes["status"] not in templates.STATUSES:
                raise BadSetting(f"status must be one of {', '.join(templates.STATUSES)}")
            template.status = changes["status"]
            reason = changes.get("reason") or ("INCORRECT_CATEGORY" if template.status == "REJECTED" else "NONE")
            template.rejected_reason = reason if template.status == "REJECTED" else "NONE"
            self.announce(account, "message_template_status_update", self._status_update(template, reason))
        if "category" in changes:
            before, template.category = template.category, str(changes["category"]).upper()
            value = {"previous_category": before, "new_category": template.category}
            self.announce(account, "template_category_update", {**_named(template), **value})
        if "quality" in changes:
            before, template.quality = template.quality, str(changes["quality"]).upper()
            value = {"previous_quality_score": before, "new_quality_score": template.quality}
            self.announce(account, "message_template_quality_update", {**_named(template), **value})

    def set_number(self, number: Number, changes: Json) -> None:
        """What Meta does to a number by itself. A new throughput is announced like an upgrade or a flag."""
        if unknown := set(changes) - set(NUMBER_KEYS) - {"event"}:
            raise BadSetting(f"unknown key of a number: {', '.join(unknown)}")
        self._adjust(number, changes)
        self.sender.reset_limits()
        event = changes.get("event") or ("FLAGGED" if number.quality_rating == "RED" else "ONBOARDING")
        value = {"display_phone_number": number.digits, "event": event, "current_limit": number.account.messaging_limit}
        self.announce(number.account, "phone_number_quality_update", value)

    def announce(self, account: Account, field: str, value: Any) -> None:
        """Post a change that is not about messages."""
        self.mailer.post(account, {"value": value, "field": field})

    def review_later(self, template: Template) -> None:
        """Let the review of a new or edited template end by itself, if the settings say so."""
        wait = self.world.settings.template_review
        if wait is not None:
            self.agenda.after(wait, self._approve, template)

    def _approve(self, template: Template) -> None:
        if template.status == "PENDING" and template.id in self.world.templates:
            self.set_template(template, {"status": "APPROVED"})

    def _status_update(self, template: Template, reason: str) -> Json:
        value: Json = {"event": template.status, **_named(template), "reason": reason}
        value["message_template_category"] = template.category
        if template.status == "PAUSED":
            value["other_info"] = {"title": "FIRST_PAUSE", "description": "Paused for 3 hours for low quality."}
        elif template.status == "DISABLED":
            value["other_info"] = {"title": "DISABLED", "description": "Disabled for repeated low quality."}
            value["disable_info"] = {"disable_date": str(int(self.world.now()))}
        return value

    def _configure_account(self, request: Json) -> tuple[Account, bool]:
        """One account created or changed; says whether its callback is to be verified again."""
        if unknown := set(request) - set(ACCOUNT_KEYS):
            raise BadSetting(f"unknown key of an account: {', '.join(unknown)}; known: {', '.join(ACCOUNT_KEYS)}")
        account_id = str(request.get("id") or ids.object_id())
        account = self.world.accounts.get(account_id) or Account(id=account_id)
        for key in ("name", "app_id", "app_secret", "verify_token", "callback_url"):
            if key in request:
                setattr(account, key, str(request[key]))
        for key in ("portfolio_id", "messaging_limit"):
            if key in request:
                setattr(account, key, str(request[key]))
        account.token_expires_at = int(request.get("token_expires_at", account.token_expires_at))
        account.scopes = tuple(request.get("scopes", account.scopes))
        account.subscribed = bool(request.get("subscribed", account.subscribed))
        if "token" in request or "tokens" in request:
            account.tokens = {str(each) for each in (*request.get("tokens", []), request.get("token")) if each}
        self.world.accounts[account_id] = account
        for each in request.get("numbers", []):
            self._configure_number(account, each)
        for each in request.get("templates", []):
            self._configure_template(account, each)
        return account, bool(account.callback_url) and bool({"callback_url", "verify_token"} & set(request))

    def _configure_number(self, account: Account, request: Json) -> None:
        if unknown := set(request) - set(NUMBER_KEYS):
            raise BadSetting(f"unknown key of a number: {', '.join(unknown)}; known: {', '.join(NUMBER_KEYS)}")
        number_id = str(request.get("id") or ids.object_id())
        display = str(request.get("display_phone_number") or "+971 50 000 0000")
        number = self.world.numbers.get(number_id)
        if number is None:
            number = Number(number_id, account, display, "")
            account.numbers.append(number)
            self.world.numbers[number_id] = number
        elif number.account is not account:
            raise BadSetting(f"number {number_id} belongs to account {number.account.id}")
        if "display_phone_number" in request or not number.digits:
            number.display_phone_number = display
            number.digits = "".join(filter(str.isdigit, display))
        self._adjust(number, request)

    def _adjust(self, number: Number, changes: Json) -> None:
        speed = changes.get("throughput")
        if speed is not None and not (isinstance(speed, int) and speed > 0):
            raise BadSetting("throughput: messages per second, or null for unlimited")
        for key in ("verified_name", "throughput", "pair_limit", "quality_rating", "status", "name_status", "on_phone"):
            if key in changes:
                setattr(number, key, changes[key])

    def _configure_template(self, account: Account, request: Json) -> None:
        try:
            template = templates.created(request, status=str(request.get("status", "APPROVED")))
        except GraphError as error:
            raise BadSetting(f"template: {error.message} {error.details}") from None
        known = account.templates.get((template.name, template.language))
        if known is not None:
            template.id = str(request.get("id") or known.id)
            self.world.remove_template(account, known)
        self.world.add_template(account, template)


def _named(template: Template) -> Json:
    return {
        "message_template_id": int(template.id),
        "message_template_name": template.name,
        "message_template_language": template.language,
    }
