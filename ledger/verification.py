"""Recomputes everything the ledger says of itself, and finds what somebody changed, took, added or moved.

It trusts no trigger and no function of the database: sums, sequences, running balances, fingerprints and hashes are
worked out again from the rows. The format of the hashes is in docs/adr/0010.

An entry is judged by the one before it in its account, a transfer by its own entries: so several connections share the
accounts and the transfers between them, and each sorts less.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from core.models import Organization
from core.tenancy import organization_scope
from ledger.models import Account

MOST_SHOWN = 50  # per question and share

# Every number is of exactly one share: also one below zero, or none at all, which only somebody who tampers can write.
SHARE = "COALESCE(({} %% %(shares)s + %(shares)s) %% %(shares)s, 0) = %(share)s"

ENTRIES = f"""
WITH walked AS (
    SELECT e.id, e.transfer_id, a.id AS account_id, a.code, e.sequence, e.balance_after_minor, e.hash, e.at,
           e.effective_on, t.id AS found_transfer, t.posted_at, t.effective_on AS transfer_effective_on,
           row_number() OVER w AS expected_sequence,
           sum(e.amount_minor) OVER w AS expected_balance,
           sha256(COALESCE(lag(e.hash) OVER w, sha256(convert_to(
               jsonb_build_array(a.organization_id, a.id, a.code, a.kind, a.currency)::text, 'UTF8')))
               || convert_to(concat_ws('|', e.sequence, e.amount_minor, e.balance_after_minor, t.id,
                  encode(t.fingerprint, 'hex'), COALESCE(t.posted_by_id, 0),
                  (extract(epoch FROM t.posted_at) * 1000000)::bigint), 'UTF8')) AS expected_hash
      FROM ledger_entry e
      LEFT JOIN ledger_account a ON a.id = e.account_id
      LEFT JOIN ledger_transfer t ON t.id = e.transfer_id
     WHERE e.organization_id = %(organization)s AND {SHARE.format("e.account_id")}
    WINDOW w AS (PARTITION BY e.account_id ORDER BY e.sequence)
), judged AS (
    SELECT *, CASE
        WHEN account_id IS NULL THEN 'entry_without_account'
        WHEN found_transfer IS NULL THEN 'entry_without_transfer'
        WHEN sequence <> expected_sequence THEN 'sequence_broken'
        WHEN balance_after_minor <> expected_balance THEN 'running_balance_wrong'
        WHEN at <> posted_at OR effective_on <> transfer_effective_on THEN 'entry_differs_from_transfer'
        WHEN hash <> expected_hash THEN 'hash_wrong'
      END AS finding FROM walked
)
SELECT finding, format('entry %%s (number %%s of account %%s, transfer %%s)', id, sequence, code, transfer_id)
  FROM judged WHERE finding IS NOT NULL ORDER BY id LIMIT %(most)s
"""  # noqa: S608 - our own sentences

TRANSFERS = f"""
WITH lines AS (
    SELECT e.transfer_id, sum(e.amount_minor) AS total, count(*) AS entry_count,
           bool_or(a.currency IS DISTINCT FROM t.currency) AS mixed,
           jsonb_agg(jsonb_build_array(e.account_id, e.amount_minor) ORDER BY e.id) AS lines
      FROM ledger_entry e
      LEFT JOIN ledger_transfer t ON t.id = e.transfer_id
      LEFT JOIN ledger_account a ON a.id = e.account_id
     WHERE e.organization_id = %(organization)s AND {SHARE.format("e.transfer_id")}
     GROUP BY e.transfer_id
), judged AS (
    SELECT t.id, t.reference, CASE
        WHEN l.entry_count IS NULL OR l.entry_count < 2 THEN 'transfer_without_entries'
        WHEN l.total <> 0 THEN 'transfer_unbalanced'
        WHEN l.mixed THEN 'currency_mixed'
        WHEN t.fingerprint <> sha256(convert_to(jsonb_build_array(t.reference, t.description, t.currency,
             t.effective_on, t.reverses_id, l.lines)::text, 'UTF8')) THEN 'fingerprint_wrong'
      END AS finding
      FROM ledger_transfer t LEFT JOIN lines l ON l.transfer_id = t.id
     WHERE t.organization_id = %(organization)s AND {SHARE.format("t.id")}
)
SELECT finding, format('transfer %%s (%%s)', id, reference)
  FROM judged WHERE finding IS NOT NULL ORDER BY id LIMIT %(most)s
"""  # noqa: S608 - our own sentences

ACCOUNTS = """
WITH sums AS (
    SELECT account_id, sum(amount_minor) AS balance, count(*) AS entry_count, max(sequence) AS last_sequence
      FROM ledger_entry WHERE organization_id = %(organization)s GROUP BY account_id
), judged AS (
    SELECT a.id, a.code, CASE
        WHEN a.balance_minor <> COALESCE(s.balance, 0) THEN 'balance_wrong'
        WHEN a.last_sequence <> COALESCE(s.last_sequence, 0) OR a.last_sequence <> COALESCE(s.entry_count, 0)
            THEN 'entries_missing'
        WHEN a.last_hash <> COALESCE(last.hash, sha256(convert_to(
            jsonb_build_array(a.organization_id, a.id, a.code, a.kind, a.currency)::text, 'UTF8'))) THEN 'head_wrong'
      END AS finding
      FROM ledger_account a
      LEFT JOIN sums s ON s.account_id = a.id
      LEFT JOIN ledger_entry last ON last.account_id = a.id AND last.sequence = s.last_sequence
           AND last.organization_id = a.organization_id
     WHERE a.organization_id = %(organization)s
)
SELECT finding, format('account %%s (%%s)', id, code)
  FROM judged WHERE finding IS NOT NULL ORDER BY id LIMIT %(most)s
"""

HEADS = """
SELECT h.code, h.sequence FROM unnest(%(codes)s::text[], %(sequences)s::bigint[], %(hashes)s::text[])
       AS h(code, sequence, hash)
  LEFT JOIN ledger_account a ON a.organization_id = %(organization)s AND a.code = h.code
  LEFT JOIN ledger_entry e ON e.organization_id = %(organization)s AND e.account_id = a.id AND e.sequence = h.sequence
 WHERE e.hash IS NULL OR encode(e.hash, 'hex') <> h.hash
 ORDER BY h.code
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written: a stable kind, and where."""

    kind: str
    where: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying one organisation's ledger found, over how much."""

    accounts: int
    transfers: int
    entries: int
    findings: tuple[Finding, ...]


Heads = Mapping[str, tuple[int, str]]


def verify(organization: Organization, *, workers: int = 1) -> Verdict:
    """Walk the whole ledger of an organisation, whose scope must be open. About 7 s a million entries with one worker.

    Several `workers` are connections of their own, at once: they see what is committed, not what the caller wrote.
    """
    asked = [(query, workers, share) for query in (ENTRIES, TRANSFERS) for share in range(workers)]
    asked.append((ACCOUNTS, 1, 0))
    if workers == 1:
        found = [_findings(organization, *one) for one in asked]
    else:
        with ThreadPoolExecutor(workers) as pool:
            found = list(pool.map(lambda one: _findings_elsewhere(organization, *one), asked))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM ledger_account WHERE organization_id = %(organization)s),"
            " (SELECT count(*) FROM ledger_transfer WHERE organization_id = %(organization)s),"
            " (SELECT count(*) FROM ledger_entry WHERE organization_id = %(organization)s)",
            {"organization": organization.pk},
        )
        accounts, transfers, entries = cursor.fetchone()
    return Verdict(accounts, transfers, entries, tuple(finding for some in found for finding in some))


def _findings(organization: Organization, query: str, shares: int, share: int) -> list[Finding]:
    asked = {"organization": organization.pk, "most": MOST_SHOWN, "shares": shares, "share": share}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '256MB'")  # all entries are sorted: in memory as far as it goes
        cursor.execute(query, asked)
        return [Finding(kind, where) for kind, where in cursor.fetchall()]


def _findings_elsewhere(organization: Organization, query: str, shares: int, share: int) -> list[Finding]:
    """In a thread, by a connection that ends with the work."""
    try:
        with organization_scope(organization.pk):
            return _findings(organization, query, shares, share)
    finally:
        connection.close()


def heads(organization: Organization) -> dict[str, tuple[int, str]]:
    """The last sequence and hash of every account that has entries: kept outside, they prove that no end was cut off."""
    used = Account.objects.for_organization(organization).filter(last_sequence__gt=0).order_by("code")
    return {
        code: (sequence, bytes(last).hex())
        for code, sequence, last in used.values_list("code", "last_sequence", "last_hash")
    }


def compare_heads(organization: Organization, earlier: Heads) -> list[Finding]:
    """Heads of an earlier day that are no longer part of their account's chain. One query."""
    parameters: dict[str, Any] = {
        "organization": organization.pk,
        "codes": list(earlier),
        "sequences": [sequence for sequence, _ in earlier.values()],
        "hashes": [digest for _, digest in earlier.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(HEADS, parameters)
        return [Finding("head_lost", f"account {code}, number {sequence}") for code, sequence in cursor.fetchall()]
