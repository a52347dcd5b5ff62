"""What Majlis decides for allauth: who may come in, what people are told, and in what words."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core import encryption
from core.accounts import letters, lockout, rules

# What happened, told on the next page and by e-mail. What is not named here goes without saying.
HAPPENED: dict[str, Promise | str] = {
    "password_changed": _("Your password was changed. Other devices are signed out."),
    "password_reset": _("Your password was set anew by the link in an e-mail. All devices are signed out."),
    "totp_activated": _("An authenticator app now asks for a code when you sign in."),
    "totp_deactivated": _("The authenticator app no longer asks for a code when you sign in."),
    "recovery_codes_generated": _("New recovery codes were made; the old ones no longer work."),
    "webauthn_added": _("A passkey was added to your account."),
    "webauthn_removed": _("A passkey was removed from your account."),
}


class AccountAdapter(DefaultAccountAdapter):
    """No open sign-up; our lock-out; letters in the language of whoever gets them."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _(
            "That e-mail and password do not match. Check both, or set a new password by the link below."
        ),
        "too_many_login_attempts": _(
            "Too many wrong tries. Wait 15 minutes, or set a new password by the link below, then sign in."
        ),
        "incorrect_password": _("That is not your password."),
        "incorrect_code": _("That code is not right, or it was used before. Wait for the next one and type it."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People come in by an invitation, never by themselves."""
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Say that the door is shut, and for how long, rather than that the password is wrong."""
        email = (credentials.get("email") or "").strip().lower()
        if lockout.is_locked(email, self.get_client_ip(request)):
            raise self.validation_error("too_many_login_attempts")

    def post_login(self, request: HttpRequest, user: Any, **given: Any) -> HttpResponse:
        """From here on in the language this person chose, on whatever device; and what will soon be asked for."""
        from core.pages import remember_language

        response: HttpResponse = super().post_login(request, user, **given)
        for house, day in rules.reminders(user, timezone.now()):
            said = _("From %(day)s on, %(house)s lets you in only with a second step: see Me, Signing in and devices.")
            messages.warning(request, said % {"day": date_format(day), "house": house.name})
        remember_language(response, user.language)
        return response

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, message_context: Any = None,
        extra_tags: str = "", message: str | None = None,
    ) -> None:  # fmt: skip
        """A toast in our words, or none."""
        if message_template is not None:
            happened = HAPPENED.get(_name(message_template))
            if happened is None:
                return
            message_template, message = None, str(happened)
        super().add_message(request, level, message_template, message_context, extra_tags, message)

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        happened = HAPPENED.get(_name(template_prefix))
        if happened is not None:
            letters.notice(user, happened, address=self.get_client_ip(self.request), at=timezone.now())

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Nothing of allauth's is sent as it is: what Majlis writes to people is in core/accounts/letters.py."""


class MfaAdapter(DefaultMFAAdapter):
    """Secrets of second factors are encrypted under our own keys."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": AccountAdapter.error_messages["incorrect_code"],
    }

    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return encryption.decrypt(encrypted_text)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": "Majlis"}


def _name(template: str) -> str:
    """`totp_activated` of `mfa/messages/totp_activated.txt` and of `mfa/email/totp_activated`."""
    return template.rpartition("/")[2].removesuffix(".txt")
