"""The filters of the lists of parts and of payments, each named once for the page, its sums and its files."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import django_filters as filters
from django.db.models import BigIntegerField, Case, F, Func, Min, Q, QuerySet, Value, When
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from commissions.models import (
    Commission,
    CommissionPayment,
    CommissionSplit,
    HoldBack,
    Instalment,
    Method,
    PayoutBatch,
    PayoutLine,
    PayoutStatus,
    SplitRole,
    Status,
)
from crm.filtering import IdFilter, YesNoFilter

OWED = [Status.APPROVED, Status.PART_PAID, Status.PAID]
OVERDUE = timedelta(days=30)
# From so many days after it came to be owed, to so many; None is open.
AGES: dict[str, tuple[int, int | None]] = {"0": (0, 30), "31": (31, 60), "61": (61, 90), "91": (91, None)}
SHOWS = [
    ("earned", _("Earned, not cancelled")),
    ("pending", _("Waits for approval")),
    ("approved", _("Approved")),
    ("due", _("Due")),
    ("held", _("Approved, not payable yet")),
    ("overdue", _("Due for more than 30 days")),
    ("paid", _("Paid, whole or in part")),
    ("disputed", _("Disputed")),
]
AGE_CHOICES = [
    ("0", _("0-30 days")), ("31", _("31-60 days")), ("61", _("61-90 days")), ("91", _("more than 90 days")),
]  # fmt: skip


# Parts of approved commissions of which something is left, payable or not; asked first, because what may be paid of a
# part is a look at its instalments and its hold-back.
LEFT = Q(commission__status__in=OWED, paid_minor__lt=F("amount_minor")) & ~Q(role=SplitRole.HOUSE)


# Receipts that were taken back, of instalments that the client still owes.
OWED_AGAIN = Q(reversals__isnull=False, instalment__received_minor__lt=F("instalment__amount_minor")) & ~Q(
    instalment__commission__status=Status.CANCELLED
)


def payable(on: date) -> Any:
    """What of a part may be paid by a day, in minor units: its share of the client's money that came, less what is held
    back, less what was paid. Nothing when it was paid ahead (a cheque of the client bounced later)."""
    # The function takes 35 µs a part; it says "all of it" where there are neither instalments nor a hold-back.
    asked = Q(commission__in=Instalment.objects.values("commission"))
    asked |= Q(commission__in=HoldBack.objects.values("commission"))
    released = Case(
        When(asked, then=Func(F("pk"), Value(on), function="commissions_released")),
        default=F("amount_minor"),
        output_field=BigIntegerField(),
    )
    return Greatest(released - F("paid_minor"), Value(0), output_field=BigIntegerField())


def held(on: date) -> Any:
    """What is left of a part and may not be paid yet, in minor units: the client has not paid, or it is held back."""
    return F("amount_minor") - F("paid_minor") - payable(on)


def due(parts: QuerySet[CommissionSplit], on: date) -> QuerySet[Any]:
    """Parts of approved commissions of which something may be paid, with `due_now`: how much, in minor units."""
    return parts.filter(LEFT).annotate(due_now=payable(on)).filter(due_now__gt=0)


def since_when(parts: QuerySet[CommissionSplit]) -> QuerySet[Any]:
    """With `owed_on`, the day on which a part came to be owed: that of the approval, as the books have it."""
    return parts.annotate(owed_on=Min("commission__approvals__transfer__effective_on"))


def aged(parts: QuerySet[CommissionSplit], age: str, on: date) -> QuerySet[CommissionSplit]:
    """What came to be owed within a band of AGES before a day."""
    youngest, oldest = AGES[age]
    owed = since_when(parts)
    if youngest:
        owed = owed.filter(owed_on__lte=on - timedelta(days=youngest))
    return owed if oldest is None else owed.filter(owed_on__gte=on - timedelta(days=oldest))


class PartFilter(filters.FilterSet):
    """Parts of commissions. `show` are the figures of statements: each opens the rows that it sums."""

    q = filters.CharFilter(method="by_text", label=_("Search"))
    show = filters.ChoiceFilter(method="by_show", choices=SHOWS, label=_("What"))
    agent = IdFilter(field_name="agent", label=_("Agent"))
    contact = IdFilter(field_name="contact", label=_("Referrer"))
    project = IdFilter(field_name="commission__deal__property__project", label=_("Project"))
    role = filters.ChoiceFilter(choices=SplitRole.choices, label=_("Role"))
    currency = filters.CharFilter(max_length=3, label=_("Currency"))
    since = filters.DateFilter(field_name="commission__earned_on", lookup_expr="gte", label=_("Earned from"))
    until = filters.DateFilter(field_name="commission__earned_on", lookup_expr="lte", label=_("Earned until"))
    age = filters.ChoiceFilter(method="by_age", choices=AGE_CHOICES, label=_("Owed for"))

    class Meta:
        model = CommissionSplit
        fields: list[str] = []

    def by_text(self, parts: QuerySet[Any], _name: str, text: str) -> QuerySet[Any]:
        unit = "commission__deal__property__"
        places = [f"{unit}{name}__icontains" for name in ("p_number", "unit_number", "building", "project__name")]
        found = Q()
        for place in [*places, "agent__name__icontains", "contact__display_name__icontains"]:
            found |= Q(**{place: text})
        if text.isdecimal() and len(text) <= 18:
            found |= Q(commission=int(text))
        return parts.filter(found)

    def by_show(self, parts: QuerySet[Any], _name: str, what: str) -> QuerySet[Any]:
        today = timezone.localdate()
        match what:
            case "pending" | "disputed":
                return parts.filter(commission__status=what)
            case "approved":
                return parts.filter(commission__status__in=OWED)
            case "due":
                return due(parts, today)
            case "held":
                return parts.filter(LEFT).annotate(held=held(today)).filter(held__gt=0)
            case "overdue":
                return since_when(due(parts, today)).filter(owed_on__lt=today - OVERDUE)
            case "paid":
                return parts.filter(paid_minor__gt=0).exclude(commission__status=Status.CANCELLED)
            case _:
                return parts.exclude(commission__status=Status.CANCELLED)

    def by_age(self, parts: QuerySet[Any], _name: str, age: str) -> QuerySet[Any]:
        return aged(parts.filter(LEFT), age, timezone.localdate())


class PaymentFilter(filters.FilterSet):
    """Payments of parts. Those that were taken back are shown too, unless they are left out."""

    q = filters.CharFilter(method="by_text", label=_("Search"))
    agent = IdFilter(field_name="split__agent", label=_("Agent"))
    contact = IdFilter(field_name="split__contact", label=_("Referrer"))
    method = filters.ChoiceFilter(choices=Method.choices, label=_("Method"))
    taken_back = YesNoFilter(field_name="reversals", lookup_expr="isnull", exclude=True, label=_("Taken back"))
    currency = filters.CharFilter(max_length=3, label=_("Currency"))
    since = filters.DateFilter(field_name="paid_on", lookup_expr="gte", label=_("Paid from"))
    until = filters.DateFilter(field_name="paid_on", lookup_expr="lte", label=_("Paid until"))

    class Meta:
        model = CommissionPayment
        fields: list[str] = []

    def by_text(self, payments: QuerySet[Any], _name: str, text: str) -> QuerySet[Any]:
        return payments.filter(
            Q(reference__icontains=text)
            | Q(split__agent__name__icontains=text)
            | Q(split__contact__display_name__icontains=text)
        )


class CommissionFilter(filters.FilterSet):
    """Whole commissions, as those who approve them look for them."""

    q = filters.CharFilter(method="by_text", label=_("Search"))
    agent = IdFilter(field_name="deal__agent", label=_("Agent"))
    project = IdFilter(field_name="deal__property__project", label=_("Project"))
    since = filters.DateFilter(field_name="earned_on", lookup_expr="gte", label=_("Earned from"))
    until = filters.DateFilter(field_name="earned_on", lookup_expr="lte", label=_("Earned until"))

    class Meta:
        model = Commission
        fields: list[str] = []

    def by_text(self, commissions: QuerySet[Any], _name: str, text: str) -> QuerySet[Any]:
        unit = "deal__property__"
        places = [f"{unit}{name}__icontains" for name in ("p_number", "unit_number", "building", "project__name")]
        found = Q(deal__agent__name__icontains=text)
        for place in places:
            found |= Q(**{place: text})
        if text.isdecimal() and len(text) <= 18:
            found |= Q(pk=int(text))
        return commissions.filter(found)


class PayoutFilter(filters.FilterSet):
    """Payouts, as those who make and approve them look for them."""

    q = filters.CharFilter(method="by_text", label=_("Search"))
    status = filters.ChoiceFilter(choices=PayoutStatus.choices, label=_("Status"))
    currency = filters.CharFilter(max_length=3, label=_("Currency"))
    since = filters.DateFilter(field_name="pay_on", lookup_expr="gte", label=_("Paid from"))
    until = filters.DateFilter(field_name="pay_on", lookup_expr="lte", label=_("Paid until"))

    class Meta:
        model = PayoutBatch
        fields: list[str] = []

    def by_text(self, payouts: QuerySet[Any], _name: str, text: str) -> QuerySet[Any]:
        """By a person in it, or by its number."""
        found = Q(pk__in=PayoutLine.objects.filter(agent__name__icontains=text).values("batch"))
        if text.isdecimal() and len(text) <= 18:
            found |= Q(pk=int(text))
        return payouts.filter(found)
