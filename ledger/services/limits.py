"""How far an account may go: an overdraft is a lowest balance below zero, a credit limit a highest balance."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, connection, transaction

from core import audit
from core.actors import Actor
from core.money import LARGEST_MINOR, format_money, to_decimal, to_minor
from core.roles import Capability
from ledger.errors import AccountUnknown, LimitInvalid, LimitRefused, PeriodNeedsSecondPerson
from ledger.models import Account
from ledger.services.periods import checked_reason

SET = "SELECT ledger_set_limits(%s, %s, %s, %s, %s, %s, %s)"


@transaction.atomic
def set_limits(
    *, actor: Actor, account: Account, lowest: str | None, highest: str | None, reason: str, at: datetime
) -> Account:
    """From now on the natural balance stays between the two, each a decimal string of the account's currency, or None
    for no limit. Both are said every time. The balance must lie between them already.

    Raises AccountUnknown, LimitInvalid, LimitRefused, AmountInvalid, ReasonMissing.
    """
    actor.require(Capability.LEDGER_CLOSE)
    if actor.membership is None:
        raise PeriodNeedsSecondPerson("Limits of accounts are changed by people.")
    found: Account | None = Account.objects.visible_to(actor).filter(pk=account.pk).first()
    if found is None:
        raise AccountUnknown("There is no such account here.", account=account.pk)
    lowest_minor = None if lowest is None else to_minor(lowest, found.currency)
    highest_minor = None if highest is None else to_minor(highest, found.currency)
    if lowest_minor is not None and highest_minor is not None and lowest_minor > highest_minor:
        raise LimitInvalid("The lowest balance is at most the highest.", field="lowest")
    if any(abs(limit or 0) > LARGEST_MINOR for limit in (lowest_minor, highest_minor)):
        raise LimitInvalid("This limit is larger than any amount we keep.", field="highest")
    reason = checked_reason(reason, "Say why")
    asked = [actor.organization.pk, found.pk, lowest_minor, highest_minor, actor.membership.pk, reason, at]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(SET, asked)
    except IntegrityError as error:
        if "ledger_account_never_" not in str(error):
            raise
        found.refresh_from_db()
        raise LimitRefused(
            f"Account {found.code} stands at {format_money(found.natural_minor, found.currency)}, beyond that limit.",
            account=found.pk,
        ) from None
    before = _shown(found)
    found.refresh_from_db()
    audit.record(
        actor=actor,
        action="ledger.limits_changed",
        target=found,
        before=before,
        after={**_shown(found), "reason": reason},
        at=at,
    )
    return found


def _shown(account: Account) -> dict[str, str | None]:
    return {
        name: None if limit is None else to_decimal(limit, account.currency)
        for name, limit in (("lowest", account.lowest_minor), ("highest", account.highest_minor))
    }
