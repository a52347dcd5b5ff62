"""The only writer of the ledger: two functions of the owner of the tables (docs/adr/0010).

They run as the owner, who is bound by forced row-level security like everybody, and read the organisation from the
connection's setting: a caller cannot post for another house. The application's role may execute them, and may not
write the tables.
"""

from __future__ import annotations

from django.conf import settings
from django.db import migrations

CHAIN = """
CREATE FUNCTION ledger_chain_step(state bytea, seed bytea, material text) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT sha256(COALESCE(state, seed) || convert_to(material, 'UTF8')) $$;

CREATE AGGREGATE ledger_chain(seed bytea, material text) (sfunc = ledger_chain_step, stype = bytea);
"""

OPEN_ACCOUNTS = """
CREATE FUNCTION ledger_open_accounts(
    p_organization bigint, p_codes text[], p_names text[], p_kinds text[], p_currencies text[], p_owners text[],
    p_lowest bigint[], p_at timestamptz
) RETURNS SETOF ledger_account
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF p_organization IS DISTINCT FROM NULLIF(current_setting('majlis.organization', true), '')::bigint THEN
        RAISE EXCEPTION 'ledger: the open scope is of another organisation';
    END IF;

    -- In the order of codes, so that two who open the same accounts wait for each other instead of locking up.
    INSERT INTO ledger_account (
        id, organization_id, code, name, kind, normal_side, currency, owner, lowest_minor, balance_minor, last_sequence,
        last_hash, created_at, updated_at
    )
    SELECT n.id, p_organization, n.code, n.name, n.kind, CASE WHEN n.kind IN ('asset', 'expense') THEN 1 ELSE -1 END,
           n.currency, n.owner, n.lowest, 0, 0,
           sha256(convert_to(jsonb_build_array(p_organization, n.id, n.code, n.kind, n.currency)::text, 'UTF8')),
           p_at, p_at
      FROM (
        SELECT nextval(pg_get_serial_sequence('ledger_account', 'id')) AS id, w.*
          FROM unnest(p_codes, p_names, p_kinds, p_currencies, p_owners, p_lowest)
               AS w(code, name, kind, currency, owner, lowest)
         WHERE NOT EXISTS (
               SELECT FROM ledger_account a WHERE a.organization_id = p_organization AND a.code = w.code)
      ) n
     ORDER BY n.code
    ON CONFLICT (organization_id, code) DO NOTHING;

    RETURN QUERY SELECT a.* FROM ledger_account a WHERE a.organization_id = p_organization AND a.code = ANY (p_codes);
END
$$;
"""

POST = """
CREATE FUNCTION ledger_post(
    p_organization bigint, p_posted_by bigint, p_posted_at timestamptz,
    -- one element for each transfer
    p_references text[], p_descriptions text[], p_currencies text[], p_effective_on date[], p_reverses bigint[],
    -- one element for each line; the ordinal says which transfer it is of, from 1, ascending
    p_ordinals integer[], p_accounts bigint[], p_amounts bigint[]
) RETURNS TABLE (ordinal integer, transfer_id bigint, replayed boolean, refusal text, detail jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
-- A connection keeps the plans of its first calls. Planned while the tables are small they would scan them whole, and
-- go on doing so when they are large; every look-up here is by a key, for this statement's lines only.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
    v_fingerprints bytea[];
    v_before bigint[];  -- the transfers of these references that were posted earlier
    v_ids bigint[];
    v_refused integer;
    v_detail jsonb;
    v_code text;
BEGIN
    IF p_organization IS DISTINCT FROM NULLIF(current_setting('majlis.organization', true), '')::bigint THEN
        RAISE EXCEPTION 'ledger: the open scope is of another organisation';
    END IF;

    -- Everything is checked before anything is written: a refusal is an answer and leaves the transaction whole.
    SELECT t.n, jsonb_build_object('sum', COALESCE(sum(l.amount), 0), 'lines', count(l.amount))
      INTO v_refused, v_detail
      FROM generate_subscripts(p_references, 1) AS t(n)
      LEFT JOIN unnest(p_ordinals, p_amounts) AS l(ordinal, amount) ON l.ordinal = t.n
     GROUP BY t.n
    HAVING count(l.amount) < 2 OR sum(l.amount) <> 0 OR bool_or(l.amount = 0)
     LIMIT 1;
    IF FOUND THEN
        RETURN QUERY SELECT v_refused, NULL::bigint, false, 'unbalanced', v_detail;
        RETURN;
    END IF;

    -- The one place where accounts are locked, always in the order of their ids: no deadlock is possible.
    PERFORM FROM ledger_account a
      WHERE a.organization_id = p_organization AND a.id = ANY (p_accounts)
      ORDER BY a.id
        FOR NO KEY UPDATE;

    SELECT l.ordinal, jsonb_build_object('account', l.account, 'currency', a.currency),
           CASE WHEN a.id IS NULL THEN 'account_unknown' ELSE 'currency_mixed' END
      INTO v_refused, v_detail, v_code
      FROM unnest(p_ordinals, p_accounts) AS l(ordinal, account)
      LEFT JOIN ledger_account a ON a.organization_id = p_organization AND a.id = l.account
     WHERE a.id IS NULL OR a.currency <> p_currencies[l.ordinal]
     LIMIT 1;
    IF FOUND THEN
        RETURN QUERY SELECT v_refused, NULL::bigint, false, v_code, v_detail;
        RETURN;
    END IF;

    SELECT array_agg(sha256(convert_to(
               jsonb_build_array(p_references[t.n], p_descriptions[t.n], p_currencies[t.n],
                                 p_effective_on[t.n], p_reverses[t.n], t.lines)::text, 'UTF8')) ORDER BY t.n)
      INTO v_fingerprints
      FROM (
        SELECT l.ordinal AS n, jsonb_agg(jsonb_build_array(l.account, l.amount) ORDER BY l.line) AS lines
          FROM unnest(p_ordinals, p_accounts, p_amounts) WITH ORDINALITY AS l(ordinal, account, amount, line)
         GROUP BY l.ordinal
      ) t;

    SELECT array_agg(x.id ORDER BY r.n),
           min(r.n) FILTER (WHERE x.fingerprint <> v_fingerprints[r.n]),
           array_agg(COALESCE(x.id, nextval(pg_get_serial_sequence('ledger_transfer', 'id'))) ORDER BY r.n)
      INTO v_before, v_refused, v_ids
      FROM unnest(p_references) WITH ORDINALITY AS r(reference, n)
      LEFT JOIN ledger_transfer x ON x.organization_id = p_organization AND x.reference = r.reference;
    IF v_refused IS NOT NULL THEN
        RETURN QUERY SELECT v_refused, v_before[v_refused], false, 'reference_taken', '{}'::jsonb;
        RETURN;
    END IF;

    IF array_position(v_before, NULL) IS NULL THEN
        RETURN QUERY SELECT n, v_before[n], true, NULL::text, NULL::jsonb
                       FROM generate_subscripts(v_before, 1) AS g(n);
        RETURN;
    END IF;

    -- A closed period (issue 6) is refused here, by p_effective_on.

    IF num_nonnulls(VARIADIC p_reverses) > 0 THEN
        SELECT r.n, jsonb_build_object('reverses', r.id),
               CASE WHEN o.id IS NULL THEN 'transfer_unknown'
                    WHEN o.reverses_id IS NOT NULL THEN 'reversal_not_reversible'
                    WHEN other.id IS NOT NULL THEN 'already_reversed'
                    ELSE 'not_mirror' END
          INTO v_refused, v_detail, v_code
          FROM unnest(p_reverses) WITH ORDINALITY AS r(id, n)
          LEFT JOIN ledger_transfer o ON o.organization_id = p_organization AND o.id = r.id
          LEFT JOIN ledger_transfer other ON other.organization_id = p_organization AND other.reverses_id = r.id
         WHERE r.id IS NOT NULL AND v_before[r.n] IS NULL
           AND (o.id IS NULL OR o.reverses_id IS NOT NULL OR other.id IS NOT NULL OR EXISTS (
                SELECT FROM (
                    SELECT e.account_id, e.amount_minor FROM ledger_entry e
                     WHERE e.organization_id = p_organization AND e.transfer_id = r.id
                    UNION ALL
                    SELECT l.account, l.amount FROM unnest(p_ordinals, p_accounts, p_amounts)
                        AS l(ordinal, account, amount) WHERE l.ordinal = r.n
                ) both_ways GROUP BY account_id HAVING sum(amount_minor) <> 0))
         LIMIT 1;
        IF FOUND THEN
            RETURN QUERY SELECT v_refused, NULL::bigint, false, v_code, v_detail;
            RETURN;
        END IF;
    END IF;

    -- Not only where the batch ends: no line on the way may fall below the limit, unless it moves up.
    SELECT l.ordinal,
           jsonb_build_object('account', l.id, 'code', l.code, 'currency', l.currency, 'amount_minor', l.amount,
                              'lowest_minor', l.lowest_minor, 'balance_minor', (l.after - l.amount) * l.normal_side)
      INTO v_refused, v_detail
      FROM (
        SELECT a.id, a.code, a.currency, a.normal_side, a.lowest_minor, x.ordinal, x.amount, x.line,
               a.balance_minor + sum(x.amount) OVER (PARTITION BY a.id ORDER BY x.line) AS after
          FROM unnest(p_ordinals, p_accounts, p_amounts) WITH ORDINALITY AS x(ordinal, account, amount, line)
          JOIN ledger_account a ON a.organization_id = p_organization AND a.id = x.account
         WHERE a.lowest_minor IS NOT NULL AND v_before[x.ordinal] IS NULL
      ) l
     WHERE l.after * l.normal_side < l.lowest_minor AND l.amount * l.normal_side < 0
     ORDER BY l.line
     LIMIT 1;
    IF FOUND THEN
        RETURN QUERY SELECT v_refused, NULL::bigint, false, 'overdraft', v_detail;
        RETURN;
    END IF;

    INSERT INTO ledger_transfer (
        id, organization_id, reference, description, currency, effective_on, posted_at, posted_by_id, reverses_id,
        fingerprint
    )
    SELECT v_ids[n], p_organization, p_references[n], p_descriptions[n], p_currencies[n], p_effective_on[n],
           p_posted_at, p_posted_by, p_reverses[n], v_fingerprints[n]
      FROM generate_subscripts(p_references, 1) AS g(n)
     WHERE v_before[n] IS NULL;

    WITH computed AS MATERIALIZED (
        SELECT x.line, x.ordinal, x.amount, a.id AS account_id, a.last_hash,
               a.last_sequence + row_number() OVER w AS sequence,
               (a.balance_minor + sum(x.amount) OVER w)::bigint AS balance
          FROM unnest(p_ordinals, p_accounts, p_amounts) WITH ORDINALITY AS x(ordinal, account, amount, line)
          JOIN ledger_account a ON a.organization_id = p_organization AND a.id = x.account
         WHERE v_before[x.ordinal] IS NULL
        WINDOW w AS (PARTITION BY a.id ORDER BY x.line)
    ), chained AS MATERIALIZED (
        SELECT c.*, ledger_chain(c.last_hash, concat_ws(
                   '|', c.sequence, c.amount, c.balance, v_ids[c.ordinal], encode(v_fingerprints[c.ordinal], 'hex'),
                   COALESCE(p_posted_by, 0), (extract(epoch FROM p_posted_at) * 1000000)::bigint
               )) OVER (PARTITION BY c.account_id ORDER BY c.sequence) AS hash
          FROM computed c
    ), written AS (
        INSERT INTO ledger_entry (
            organization_id, transfer_id, account_id, amount_minor, sequence, balance_after_minor, effective_on, at, hash
        )
        SELECT p_organization, v_ids[c.ordinal], c.account_id, c.amount, c.sequence, c.balance,
               p_effective_on[c.ordinal], p_posted_at, c.hash
          FROM chained c
         ORDER BY c.line
    )
    UPDATE ledger_account a
       SET balance_minor = c.balance, last_sequence = c.sequence, last_hash = c.hash
      FROM (SELECT DISTINCT ON (account_id) * FROM chained ORDER BY account_id, sequence DESC) c
     WHERE a.organization_id = p_organization AND a.id = c.account_id;

    RETURN QUERY SELECT n, v_ids[n], v_before[n] IS NOT NULL, NULL::text, NULL::jsonb
                   FROM generate_subscripts(v_ids, 1) AS g(n);
END
$$;
"""

DROP = """
DROP FUNCTION ledger_post;
DROP FUNCTION ledger_open_accounts;
DROP AGGREGATE ledger_chain(bytea, text);
DROP FUNCTION ledger_chain_step;
"""


def grant(_apps, schema_editor):
    """Only the application's role may call them (and the owner, whose they are)."""
    role = settings.DATABASES["default"]["USER"]
    for function in ("ledger_post", "ledger_open_accounts"):
        schema_editor.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        schema_editor.execute(f'GRANT EXECUTE ON FUNCTION {function} TO "{role}"')


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [
        migrations.RunSQL(CHAIN + OPEN_ACCOUNTS + POST, DROP),
        # Every posting rewrites its accounts' rows: room on the page keeps those updates off the indexes.
        migrations.RunSQL(
            "ALTER TABLE ledger_account SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02)",
            "ALTER TABLE ledger_account RESET (fillfactor, autovacuum_vacuum_scale_factor)",
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
