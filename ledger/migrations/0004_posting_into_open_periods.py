"""ledger_post refuses days that are closed. Where it does so a comment of 0002 kept the place."""

from __future__ import annotations

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION ledger_period_lock(p_organization bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
AS $$ SELECT hashtextextended('ledger period', p_organization) $$;

CREATE FUNCTION ledger_closed_through(p_organization bigint) RETURNS date
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT max(c.through_on) FROM ledger_periodclosing c
     WHERE c.organization_id = p_organization AND NOT EXISTS (
        SELECT FROM ledger_reopeningrequest q JOIN ledger_periodreopening r ON r.request_id = q.id
         WHERE q.closing_id = c.id)
$$;
"""

PLACE = "    -- A closed period (issue 6) is refused here, by p_effective_on."
REFUSAL = """    -- Closed days are refused. Who closes the books waits for the end of this transaction, or came before and is seen.
    PERFORM pg_advisory_xact_lock_shared(ledger_period_lock(p_organization));
    SELECT min(r.n), jsonb_build_object('closed_through', c.day, 'effective_on', min(r.day))
      INTO v_refused, v_detail
      FROM (SELECT ledger_closed_through(p_organization) AS day) c
      JOIN unnest(p_effective_on) WITH ORDINALITY AS r(day, n) ON r.day <= c.day
     WHERE v_before[r.n] IS NULL
     GROUP BY c.day;
    IF FOUND THEN
        RETURN QUERY SELECT v_refused, NULL::bigint, false, 'period_closed', v_detail;
        RETURN;
    END IF;"""


def put(old: str, new: str) -> str:
    """The function as it is, with one passage replaced; its owner, settings and grants stay."""
    return f"""
    DO $do$
    DECLARE
        before text := pg_get_functiondef('ledger_post'::regproc);
        after text := replace(before, $old${old}$old$, $new${new}$new$);
    BEGIN
        IF after = before THEN
            RAISE EXCEPTION 'ledger_post is not the function that this migration knows';
        END IF;
        EXECUTE after;
    END
    $do$;
    """


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_periods_and_checks")]

    operations = [
        migrations.RunSQL(
            FUNCTIONS + put(PLACE, REFUSAL),
            put(REFUSAL, PLACE) + "DROP FUNCTION ledger_closed_through; DROP FUNCTION ledger_period_lock;",
        )
    ]
