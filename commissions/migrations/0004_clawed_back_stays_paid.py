"""A payment of a cancelled commission was clawed back: it cannot be taken back as well."""

from __future__ import annotations

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION commissions_payment_reversed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    UPDATE commissions_commissionsplit s SET paid_minor = s.paid_minor - p.amount_minor
      FROM commissions_commissionpayment p
     WHERE p.id = NEW.payment_id AND p.organization_id = NEW.organization_id AND s.id = p.split_id{unless};
    IF NOT FOUND THEN
        RAISE EXCEPTION 'commissions: there is no payment % that can be taken back', NEW.payment_id;
    END IF;
    RETURN NEW;
END
$$;
"""
CLAWED = """
       AND NOT EXISTS (SELECT FROM commissions_clawback b WHERE b.split_id = s.id)"""


class Migration(migrations.Migration):
    dependencies = [("commissions", "0003_sides_and_clawbacks")]

    operations = [migrations.RunSQL(FUNCTION.format(unless=CLAWED), FUNCTION.format(unless=""))]
