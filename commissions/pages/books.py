"""What whoever keeps the books asks: what is owed and for how long, what moved in a period, what every account stands at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from commissions import selectors
from commissions.filtering import AGE_CHOICES, AGES
from commissions.pages.asking import actor_of, day_in, number_in
from commissions.pages.reporting import asking, show_report
from commissions.pages.statement import said
from commissions.reports import Cell, Column, Kind, Report
from core.actors import Actor
from core.doors import page
from core.money import Money
from core.roles import Capability

Asked = Mapping[str, Any]


@require_GET
@page(Capability.LEDGER_READ)
def payables(request: HttpRequest) -> HttpResponse:
    """Aged payables, now or at the end of a day (`?as_of=`)."""
    return show_report(request, "payables", payables_report, dates=["as_of"])


@require_GET
@page(Capability.LEDGER_READ)
def period(request: HttpRequest) -> HttpResponse:
    """What moved from a day to a day, this month when none is given."""
    return show_report(request, "period", period_report, dates=["since", "until"])


@require_GET
@page(Capability.LEDGER_READ)
def trial_balance(request: HttpRequest) -> HttpResponse:
    """By family of accounts, now or at the end of a day; each family opens its accounts."""
    return show_report(request, "trial-balance", trial_balance_report, dates=["as_of"])


@require_GET
@page(Capability.LEDGER_READ)
def accounts(request: HttpRequest) -> HttpResponse:
    """Accounts of a family (`?family=&currency=&q=&as_of=`), each with what it stands at."""
    actor = actor_of(request)
    as_of, after = day_in(request.GET.get("as_of", "")), request.GET.get("after", "")
    listing = selectors.account_page(actor=actor, asked=request.GET, as_of=as_of, after=after)
    report = _accounts(actor, listing.rows, as_of)
    return show_report(
        request, "accounts", lambda *_: (report, actor.organization), dates=["as_of"], next=listing.next, search=True
    )


@require_GET
@page(Capability.LEDGER_READ)
def account(request: HttpRequest, account_id: int) -> HttpResponse:
    """One account line by line, from a day to a day, with the balance after each."""

    def build(actor: Actor, asked: Asked) -> tuple[Report, Model]:
        return account_report(actor, {**asked, "account": str(account_id)})

    return show_report(request, "account", build, dates=["since", "until"], more=f"account={account_id}")


def payables_report(actor: Actor, asked: Asked) -> tuple[Report, Model]:
    as_of = day_in(asked.get("as_of", ""))
    found = selectors.payables(actor=actor, today=timezone.localdate(), as_of=as_of)
    parts, statement = _at(actor, "commission-parts"), _at(actor, "commission-statement")
    rows: list[tuple[Any, ...]] = []
    for row in found.rows:
        who = {"agent": row.agent_id, "contact": row.contact_id, "currency": row.currency}
        name = Cell(row.name, f"{statement}?{asking(agent=row.agent_id, until=as_of)}" if row.agent_id else "")
        # the lists show what is: of a past day the statement tells
        links = ["" if as_of else f"{parts}?{asking(**who, age=age)}" for age in AGES]
        bands = [
            Cell(Money(minor, row.currency) if minor else None, link)
            for minor, link in zip(row.bands, links, strict=True)
        ]
        held = Cell(
            Money(row.held_minor, row.currency) if row.held_minor else None,
            f"{parts}?{asking(**who, show='disputed')}",
        )
        rows.append((name, *bands, held, Money(row.total_minor, row.currency)))
    totals: list[tuple[Any, ...]] = []
    notes = []
    for currency in sorted({row.currency for row in found.rows} | set(found.books)):
        of = [row for row in found.rows if row.currency == currency]
        sums = [sum(row.bands[number] for row in of) for number in range(len(AGES))]
        held_sum, total = sum(row.held_minor for row in of), found.total(currency)
        if total:
            totals.append((_("Total"), *(Money(each, currency) for each in (*sums, held_sum, total))))
        if total != found.books.get(currency, 0):
            notes.append(
                _("The payable accounts stand at %(books)s, and not at %(total)s: look into it.")
                % {"books": Money(found.books.get(currency, 0), currency), "total": Money(total, currency)}
            )
        elif total:
            notes.append(
                _("The payable accounts of the books stand at the same: %(total)s.") % {"total": Money(total, currency)}
            )
    columns = (
        Column(_("Beneficiary")),
        *(Column(str(label), Kind.MONEY) for _age, label in AGE_CHOICES),
        Column(_("Held by a dispute"), Kind.MONEY),
        Column(_("Owed"), Kind.MONEY),
    )
    facts = ((_("At the end of"), found.on),)
    report = Report(
        "payables", _("Aged payables"), columns, tuple(rows), tuple(totals), facts=facts, notes=tuple(notes)
    )
    return report, actor.organization


def period_report(actor: Actor, asked: Asked) -> tuple[Report, Model]:
    today = timezone.localdate()
    since = day_in(asked.get("since", "")) or today.replace(day=1)
    until = day_in(asked.get("until", "")) or max(today, since)
    found = selectors.movements(actor=actor, since=since, until=until)
    address = _at(actor, "commission-accounts")
    rows = tuple(
        (
            Cell(family(row.family), f"{address}?{asking(family=row.family, currency=row.currency, as_of=until)}"),
            _(row.kind.label),
            Money(row.opening_minor, row.currency),
            Money(row.more_minor, row.currency) if row.more_minor else None,
            Money(row.less_minor, row.currency) if row.less_minor else None,
            Money(row.closing_minor, row.currency),
        )
        for row in found
    )
    columns = (
        Column(_("Accounts")), Column(_("Kind")), Column(_("Before"), Kind.MONEY), Column(_("More"), Kind.MONEY),
        Column(_("Less"), Kind.MONEY), Column(_("After"), Kind.MONEY),
    )  # fmt: skip
    facts = ((_("From"), since), (_("Until"), until))
    return Report("period", _("Period report"), columns, rows, facts=facts), actor.organization


def trial_balance_report(actor: Actor, asked: Asked) -> tuple[Report, Model]:
    as_of = day_in(asked.get("as_of", ""))
    found = selectors.families(actor=actor, as_of=as_of)
    address = _at(actor, "commission-accounts")
    rows = tuple(
        (
            Cell(family(row.family), f"{address}?{asking(family=row.family, currency=row.currency, as_of=as_of)}"),
            _(row.kind.label),
            row.count,
            Money(row.debit_minor, row.currency) if row.debit_minor else None,
            Money(row.credit_minor, row.currency) if row.credit_minor else None,
        )
        for row in found
    )
    totals = []
    for currency in sorted({row.currency for row in found}):
        debit = sum(row.debit_minor for row in found if row.currency == currency)
        credit = sum(row.credit_minor for row in found if row.currency == currency)
        name = _("Total") if debit == credit else _("DOES NOT BALANCE")
        totals.append((name, "", None, Money(debit, currency), Money(credit, currency)))
    columns = (
        Column(_("Accounts")), Column(_("Kind")), Column(_("How many"), Kind.COUNT), Column(_("Debit"), Kind.MONEY),
        Column(_("Credit"), Kind.MONEY),
    )  # fmt: skip
    facts = ((_("At the end of"), as_of or timezone.localdate()),)
    report = Report("trial-balance", _("Trial balance"), columns, rows, tuple(totals), facts=facts)
    return report, actor.organization


def accounts_report(actor: Actor, asked: Asked) -> tuple[Report, Model]:
    """Every account that the page lists, page by page."""
    as_of = day_in(asked.get("as_of", ""))
    rows = list(selectors.accounts(actor=actor, asked=asked, as_of=as_of).order_by("pk"))
    return _accounts(actor, rows, as_of), actor.organization


def account_report(actor: Actor, asked: Asked) -> tuple[Report, Model]:
    since, until = day_in(asked.get("since", "")), day_in(asked.get("until", ""))
    key = number_in(str(asked.get("account", ""))) or 0
    found = selectors.account_lines(actor=actor, account_id=key, since=since, until=until)
    told, currency = found.statement, found.statement.currency
    rows = tuple(
        (
            line.on,
            said(line),
            Cell(line.commission.deal.property.label, _at(actor, "commission", line.commission.pk))
            if line.commission
            else "",
            line.payment.reference if line.payment else "",
            Money(line.amount_minor, currency),
            Money(line.balance_minor, currency),
        )
        for line in found.lines
    )
    columns = (
        Column(_("Date"), Kind.DATE), Column(_("What")), Column(_("Unit")), Column(_("Reference")),
        Column(_("Amount"), Kind.MONEY), Column(_("Balance"), Kind.MONEY),
    )  # fmt: skip
    facts = (
        (_("Account"), told.account.code),
        (_("Kind"), _(told.account.get_kind_display())),
        (_("Balance before"), Money(told.opening_minor, currency)),
        (_("Balance after"), Money(told.closing_minor, currency)),
    )
    notes = (
        (_("Only the newest %(count)d lines are shown: choose a period.") % {"count": len(rows)},)
        if found.is_cut
        else ()
    )
    return Report("account", told.account.name, columns, rows, facts=facts, notes=notes), told.account


def family(name: str) -> str:
    """What the accounts of a family are, in words."""
    words = {
        "receivable": _("Commission receivable"),
        "commission_revenue": _("Commission revenue"),
        "vat_payable": _("VAT payable"),
        "commission_expense": _("Commission shares of agents"),
        "payable": _("Commission payable"),
        "clawback": _("Commission to recover"),
        "bank": _("Cash at bank"),
        "cheques_outstanding": _("Cheques issued, not cleared"),
        "cash": _("Cash in hand"),
    }
    return words.get(name, name)


def _accounts(actor: Actor, rows: list[Any], as_of: date | None) -> Report:
    columns = (
        Column(_("Account")), Column(_("Name")), Column(_("Kind")), Column(_("Debit"), Kind.MONEY),
        Column(_("Credit"), Kind.MONEY),
    )  # fmt: skip
    lines = tuple(
        (
            Cell(row.code, f"{_at(actor, 'commission-account', row.pk)}?{asking(until=as_of)}"),
            row.name,
            _(row.get_kind_display()),
            Money(row.standing, row.currency) if row.standing > 0 else None,
            Money(-row.standing, row.currency) if row.standing < 0 else None,
        )
        for row in rows
    )
    facts = ((_("At the end of"), as_of or timezone.localdate()),)
    return Report("accounts", _("Accounts"), columns, lines, facts=facts)


def _at(actor: Actor, name: str, *keys: Any) -> str:
    return reverse(name, args=[actor.organization.slug, *keys])
