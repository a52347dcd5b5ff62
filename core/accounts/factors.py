"""Second factors where allauth's own pages do not reach: the API's door, the keys of encryption, a lost phone."""

from __future__ import annotations

from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.models import Authenticator
from django.db import transaction

from core.encryption import rotate
from core.errors import NotAllowed
from core.models import User

STEPS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
SECRETS = ("secret", "seed")  # of an authenticator app, of recovery codes


class SecondFactorRequired(NotAllowed):
    code = "second_factor_required"


class SecondFactorRefused(NotAllowed):
    code = "second_factor_refused"


def has_second_step(user: User) -> bool:
    """Whether this person is asked for more than a password."""
    return bool(Authenticator.objects.filter(user=user, type__in=STEPS).exists())


def check_code(*, user: User, code: str) -> None:
    """A code of the app, or a recovery code, which is used up; nothing is asked of who has no second step.

    Five wrong ones in five minutes, and no code is taken for a while. Raises SecondFactorRequired, SecondFactorRefused.
    """
    if not has_second_step(user):
        return
    if not code:
        raise SecondFactorRequired("This account has a second step: send `code`, from the app or a recovery code.")
    form = AuthenticateForm(user=user, data={"code": code})
    if not form.is_valid():
        raise SecondFactorRefused(" ".join(form.errors.get("code", [])))
    form.authenticator.record_usage()


def rotate_secrets() -> int:
    """Rewrite what is encrypted of second factors under the newest key. How many authenticators."""
    count = 0
    for pk in Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).values_list("pk", flat=True):
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().get(pk=pk)
            row.data |= {name: rotate(row.data[name]) for name in SECRETS if row.data.get(name)}
            row.save(update_fields=["data"])
        count += 1
    return count
