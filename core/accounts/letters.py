"""E-mails about accounts: written as rows, sent by a worker, repeated while the mail server is away."""

from __future__ import annotations

import smtplib
from datetime import datetime, timedelta

import structlog
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from core import jobs
from core.accounts import trail
from core.models import Letter, User

log = structlog.get_logger(__name__)

ATTEMPTS = 8
LEASE = timedelta(minutes=2)
KEPT = timedelta(days=30)


def post(*, to: str, language: str, template: str, at: datetime, **said: object) -> Letter:
    """Write one e-mail from `core/letters/<template>.txt`, its first line being the subject, and have it sent."""
    with translation.override(language):
        text = render_to_string(f"core/letters/{template}.txt", {**said, "base_url": settings.BASE_URL})
    subject, _blank, body = text.strip().partition("\n")
    letter = Letter.objects.create(to=to, subject=subject.strip()[:200], body=body.strip() + "\n", due_at=at)
    jobs.enqueue("core.send_letter", letter_id=letter.pk)
    return letter


def send(letter_id: int, at: datetime) -> bool:
    """Send one letter if it is due and nobody else is at it; harmless when it was sent. True when it went."""
    claimed = Letter.objects.due(at).filter(pk=letter_id)
    if not claimed.update(due_at=at + LEASE, attempts=F("attempts") + 1):
        return False
    letter = Letter.objects.get(pk=letter_id)
    try:
        EmailMessage(letter.subject, letter.body or "", to=[letter.to]).send()
    except (OSError, smtplib.SMTPException) as error:
        _failed(letter, error, at)
        return False
    Letter.objects.filter(pk=letter_id).update(sent_at=at, body=None, error="")
    return True


def sweep(at: datetime) -> int:
    """Send what is due, and throw away old rows. How many went."""
    Letter.objects.filter(created_at__lt=at - KEPT).delete()
    return sum(send(pk, at) for pk in Letter.objects.due(at).order_by("due_at").values_list("pk", flat=True)[:100])


def send_password_reset(*, user_id: int, at: datetime) -> None:
    """A link to set a new password. For whoever is not here, or may not sign in, nothing is done, and nobody is told."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return
    key = default_token_generator.make_token(user)
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": key})
    hours = settings.PASSWORD_RESET_TIMEOUT // 3600
    post(to=user.email, language=user.language, template="password_reset", at=at, user=user, path=path, hours=hours)
    trail.note(user, "core.password_reset_sent", address=None, at=at)


def notice(user: User, sentence: object, *, address: str, at: datetime) -> None:
    """Tell a person of a change to the account; whoever did not do it learns what to do."""
    post(
        to=user.email, language=user.language, template="notice", at=at, user=user, sentence=sentence,
        address=address, when=at,
    )  # fmt: skip


def _failed(letter: Letter, error: Exception, at: datetime) -> None:
    """Later again, unless the server says that it will never take it."""
    for_good = isinstance(error, smtplib.SMTPRecipientsRefused) or letter.attempts >= ATTEMPTS
    log.warning("letter_not_sent", letter_id=letter.pk, error=type(error).__name__, given_up=for_good)
    told = {"error": type(error).__name__[:300]}
    if for_good:
        Letter.objects.filter(pk=letter.pk).update(given_up_at=at, body=None, **told)
    else:
        Letter.objects.filter(pk=letter.pk).update(due_at=at + timedelta(minutes=2**letter.attempts), **told)
