"""A split's paid_minor follows its payments: no role of ours may write it, only these triggers do.

Both work under the lock of the split's row, so that two payments at the same instant are counted one after the other;
the check constraint on the split refuses the one that would exceed what is due.
"""

from __future__ import annotations

from django.db import migrations

FORWARD = """
CREATE FUNCTION commissions_payment_made() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM commissions_commissionsplit s JOIN commissions_commission c ON c.id = s.commission_id
                    WHERE s.id = NEW.split_id AND s.organization_id = NEW.organization_id AND s.role <> 'house'
                      AND s.currency = NEW.currency AND c.status IN ('approved', 'part_paid')) THEN
        RAISE EXCEPTION 'commissions: split % is not payable in %', NEW.split_id, NEW.currency;
    END IF;
    IF EXISTS (SELECT FROM commissions_commissionsplit s JOIN crm_agent a ON a.id = s.agent_id
                WHERE s.id = NEW.split_id AND a.membership_id = NEW.paid_by_id) THEN
        RAISE EXCEPTION 'commissions: nobody pays themselves';
    END IF;
    UPDATE commissions_commissionsplit SET paid_minor = paid_minor + NEW.amount_minor WHERE id = NEW.split_id;
    RETURN NEW;
END
$$;
CREATE TRIGGER paid_follows BEFORE INSERT ON commissions_commissionpayment
    FOR EACH ROW EXECUTE FUNCTION commissions_payment_made();

CREATE FUNCTION commissions_payment_reversed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    UPDATE commissions_commissionsplit s SET paid_minor = s.paid_minor - p.amount_minor
      FROM commissions_commissionpayment p
     WHERE p.id = NEW.payment_id AND p.organization_id = NEW.organization_id AND s.id = p.split_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'commissions: there is no payment %', NEW.payment_id;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER paid_follows BEFORE INSERT ON commissions_paymentreversal
    FOR EACH ROW EXECUTE FUNCTION commissions_payment_reversed();

CREATE FUNCTION commissions_split_starts_unpaid() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF NEW.paid_minor <> 0 THEN
        RAISE EXCEPTION 'commissions: a split starts unpaid';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER starts_unpaid BEFORE INSERT ON commissions_commissionsplit
    FOR EACH ROW EXECUTE FUNCTION commissions_split_starts_unpaid();
"""

BACKWARD = """
DROP TRIGGER paid_follows ON commissions_commissionpayment;
DROP TRIGGER paid_follows ON commissions_paymentreversal;
DROP TRIGGER starts_unpaid ON commissions_commissionsplit;
DROP FUNCTION commissions_payment_made;
DROP FUNCTION commissions_payment_reversed;
DROP FUNCTION commissions_split_starts_unpaid;
"""


class Migration(migrations.Migration):
    dependencies = [("commissions", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
