"""What every step of the story has at hand."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from config.demo.cast import PEOPLE, SLUG, Cast, gather
from config.demo.doors import Api, Browser, Sandbox
from core.tenancy import organization_scope


class Broken(Exception):
    """Something is not as the story says."""


def same(actual: Any, wanted: Any, what: str) -> None:
    """Raises Broken unless both are equal."""
    if actual != wanted:
        raise Broken(f"{what}: {actual!r}, and should be {wanted!r}")


def holds(condition: object, what: str) -> None:
    """Raises Broken unless the condition is true."""
    if not condition:
        raise Broken(f"not so: {what}")


@dataclass
class Stage:
    """The running Majlis, its people's doors, and what the steps so far have made."""

    base_url: str
    sandbox: Sandbox
    folder: Path
    cast: Cast
    # The business number of the demo, as the sandbox plays it. Invented; secrets are made up anew every time.
    phone_number_id: str = "100000000000001"
    waba_id: str = "200000000000001"
    access_token: str = field(default_factory=lambda: "EAA" + secrets.token_hex(16))
    app_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    verify_token: str = field(default_factory=lambda: secrets.token_hex(8))
    made: dict[str, Any] = field(default_factory=dict)
    open_for_life: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def set_up(cls, base_url: str, sandbox_url: str, folder: Path) -> Stage:
        """Found the houses, and open the scope of the first for everything that looks into the database."""
        cast = gather()
        stage = cls(base_url, Sandbox(sandbox_url), folder, cast)
        stage.open_for_life.enter_context(organization_scope(cast.organization.pk))
        return stage

    def api(self, name: str) -> Api:
        """The API as one of the cast (signed in once)."""
        key = f"api:{name}"
        if key not in self.made:
            self.made[key] = Api(self.base_url, SLUG, self.cast.email(name), self.cast.password)
        api: Api = self.made[key]
        return api

    def browser(self, name: str) -> Browser:
        """A browser in which one of the cast has signed in."""
        key = f"browser:{name}"
        if key not in self.made:
            browser = Browser(self.base_url)
            browser.sign_in(self.cast.email(name), self.cast.password)
            self.made[key] = browser
        found: Browser = self.made[key]
        return found

    @cached_property
    def webhook_url(self) -> str:
        return f"{self.base_url}/webhooks/whatsapp/{SLUG}/"

    def invitation(self) -> str:
        """Where to look around, and as whom."""
        people = "\n".join(f"  {self.cast.email(name):<22} {role.label}" for name, (_, role) in PEOPLE.items())
        return (
            f"Majlis        {self.base_url}/\n"
            f"  pages       {self.base_url}/o/{SLUG}/inbox/      (agents, on a phone too)\n"
            f"  back office {self.base_url}/o/{SLUG}/admin/\n"
            f"  API         {self.base_url}/api/docs/\n"
            f"WhatsApp, as the owners see it (write as one of them): {self.sandbox.url}/\n\n"
            f"Password of everybody: {self.cast.password}\n{people}"
        )
