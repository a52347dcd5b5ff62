"""ledger_post keeps balances below their highest too, and ledger_set_limits changes limits with a row that says why."""

from __future__ import annotations

import importlib

from django.db import migrations

put = importlib.import_module("ledger.migrations.0004_posting_into_open_periods").put

SET_LIMITS = """
CREATE FUNCTION ledger_set_limits(
    p_organization bigint, p_account bigint, p_lowest bigint, p_highest bigint, p_changed_by bigint, p_reason text,
    p_at timestamptz
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF p_organization IS DISTINCT FROM NULLIF(current_setting('majlis.organization', true), '')::bigint THEN
        RAISE EXCEPTION 'ledger: the open scope is of another organisation';
    END IF;
    -- The lock that ledger_post takes: no posting is between the look at the balance and the new limit.
    PERFORM FROM ledger_account WHERE organization_id = p_organization AND id = p_account FOR NO KEY UPDATE;
    INSERT INTO ledger_limitchange (
        organization_id, account_id, lowest_before_minor, highest_before_minor, lowest_minor, highest_minor, reason,
        changed_by_id, at
    )
    SELECT p_organization, a.id, a.lowest_minor, a.highest_minor, p_lowest, p_highest, p_reason, p_changed_by, p_at
      FROM ledger_account a WHERE a.organization_id = p_organization AND a.id = p_account;
    UPDATE ledger_account SET lowest_minor = p_lowest, highest_minor = p_highest, updated_at = p_at
     WHERE organization_id = p_organization AND id = p_account;
END
$$;
"""

# One passage after the other: what is looked for, and what is put in its place.
PASSAGES = [
    (
        "'lowest_minor', l.lowest_minor, 'balance_minor', (l.after - l.amount) * l.normal_side)\n"
        "      INTO v_refused, v_detail\n",
        "'lowest_minor', l.lowest_minor, 'highest_minor', l.highest_minor,\n"
        "                              'balance_minor', (l.after - l.amount) * l.normal_side),\n"
        "           CASE WHEN l.amount * l.normal_side < 0 THEN 'overdraft' ELSE 'credit_limit' END\n"
        "      INTO v_refused, v_detail, v_code\n",
    ),
    (
        "a.normal_side, a.lowest_minor, x.ordinal",
        "a.normal_side, a.lowest_minor, a.highest_minor, x.ordinal",
    ),
    (
        "WHERE a.lowest_minor IS NOT NULL AND v_before",
        "WHERE num_nonnulls(a.lowest_minor, a.highest_minor) > 0 AND v_before",
    ),
    (
        "WHERE l.after * l.normal_side < l.lowest_minor AND l.amount * l.normal_side < 0\n",
        "WHERE (l.after * l.normal_side < l.lowest_minor AND l.amount * l.normal_side < 0)\n"
        "        OR (l.after * l.normal_side > l.highest_minor AND l.amount * l.normal_side > 0)\n",
    ),
    (
        "RETURN QUERY SELECT v_refused, NULL::bigint, false, 'overdraft', v_detail;",
        "RETURN QUERY SELECT v_refused, NULL::bigint, false, v_code, v_detail;",
    ),
    (
        "-- Not only where the batch ends: no line on the way may fall below the limit, unless it moves up.",
        "-- Not only where the batch ends: no line on the way may go beyond a limit, unless it comes back from there.",
    ),
]


class Migration(migrations.Migration):
    dependencies = [("ledger", "0006_limits")]

    operations = [
        migrations.RunSQL(SET_LIMITS, "DROP FUNCTION ledger_set_limits"),
        *(migrations.RunSQL(put(old, new), put(new, old)) for old, new in PASSAGES),
    ]
