"""An instalment's received_minor follows its receipts, and parts are paid only as far as money came in and is not held.

No role of ours may write received_minor: only these triggers do, under the lock of the instalment's row.
"""

from __future__ import annotations

from django.db import migrations

FORWARD = """
CREATE FUNCTION commissions_receipt_made() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    UPDATE commissions_instalment SET received_minor = received_minor + NEW.amount_minor
     WHERE id = NEW.instalment_id AND organization_id = NEW.organization_id AND currency = NEW.currency;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'commissions: there is no instalment % in %', NEW.instalment_id, NEW.currency;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER received_follows BEFORE INSERT ON commissions_receipt
    FOR EACH ROW EXECUTE FUNCTION commissions_receipt_made();

CREATE FUNCTION commissions_receipt_reversed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    UPDATE commissions_instalment i SET received_minor = i.received_minor - r.amount_minor
      FROM commissions_receipt r
     WHERE r.id = NEW.receipt_id AND r.organization_id = NEW.organization_id AND i.id = r.instalment_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'commissions: there is no receipt %', NEW.receipt_id;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER received_follows BEFORE INSERT ON commissions_receiptreversal
    FOR EACH ROW EXECUTE FUNCTION commissions_receipt_reversed();

CREATE FUNCTION commissions_instalment_starts_unreceived() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF NEW.received_minor <> 0 THEN
        RAISE EXCEPTION 'commissions: an instalment starts with nothing received';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER starts_unreceived BEFORE INSERT ON commissions_instalment
    FOR EACH ROW EXECUTE FUNCTION commissions_instalment_starts_unreceived();

-- What of a part may have been paid by a day. Rounded down, so that never more goes out than came in; whole at the end.
CREATE FUNCTION commissions_released(p_split bigint, p_on date) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT (came.minor - floor(came.minor * COALESCE(held.basis_points, 0) / 10000))::bigint
      FROM commissions_commissionsplit s
      LEFT JOIN LATERAL (
        SELECT sum(i.received_minor) AS received, sum(i.amount_minor) AS total
          FROM commissions_instalment i WHERE i.commission_id = s.commission_id
      ) client ON true
     CROSS JOIN LATERAL (
        SELECT CASE WHEN client.total IS NULL THEN s.amount_minor::numeric
                    ELSE floor(s.amount_minor * client.received / client.total) END AS minor
      ) came
      LEFT JOIN commissions_holdback held ON held.commission_id = s.commission_id
           AND (held.until_on IS NULL OR held.until_on > p_on)
           AND NOT EXISTS (SELECT FROM commissions_holdbackrelease r WHERE r.hold_back_id = held.id)
     WHERE s.id = p_split
$$;

CREATE FUNCTION commissions_payment_is_released() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF (SELECT s.paid_minor FROM commissions_commissionsplit s WHERE s.id = NEW.split_id)
       > commissions_released(NEW.split_id, NEW.paid_on) THEN
        RAISE EXCEPTION 'commissions: that much of part % may not be paid yet', NEW.split_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER payment_is_released AFTER INSERT ON commissions_commissionpayment
    FOR EACH ROW EXECUTE FUNCTION commissions_payment_is_released();
"""

BACKWARD = """
DROP TRIGGER payment_is_released ON commissions_commissionpayment;
DROP FUNCTION commissions_payment_is_released;
DROP FUNCTION commissions_released;
DROP TRIGGER starts_unreceived ON commissions_instalment;
DROP FUNCTION commissions_instalment_starts_unreceived;
DROP TRIGGER received_follows ON commissions_receiptreversal;
DROP FUNCTION commissions_receipt_reversed;
DROP TRIGGER received_follows ON commissions_receipt;
DROP FUNCTION commissions_receipt_made;
"""


class Migration(migrations.Migration):
    dependencies = [("commissions", "0007_instalments")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
