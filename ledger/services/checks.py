"""Checking the books every night, and keeping what was found."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction

from core.models import Organization
from ledger import verification
from ledger.models import BooksCheck

EVERY = timedelta(hours=24)

log = structlog.get_logger(__name__)


@transaction.atomic
def check_books(*, organization: Organization, at: datetime) -> BooksCheck:
    """Walk the whole ledger as `verify_ledger` does, and note the outcome. What was altered is logged as an error."""
    verdict = verification.verify(organization)
    check: BooksCheck = BooksCheck.objects.create(
        organization=organization,
        account_count=verdict.accounts,
        transfer_count=verdict.transfers,
        entry_count=verdict.entries,
        findings=[{"kind": finding.kind, "where": finding.where} for finding in verdict.findings],
        at=at,
    )
    if verdict.findings:
        log.error("ledger_altered", organization=organization.slug, check=check.pk, findings=len(verdict.findings))
    return check


@transaction.atomic
def check_if_due(*, organization: Organization, at: datetime) -> BooksCheck | None:
    """Check books that nobody checked for a day. Of two schedulers one does it; the other returns at once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('ledger check', %s))", [organization.pk])
        free = cursor.fetchone()[0]
    checks = BooksCheck.objects.for_organization(organization)
    if not free or checks.filter(at__gt=at - EVERY).exists():
        return None
    return check_books(organization=organization, at=at)
