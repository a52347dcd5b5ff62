"""Whether the parts of a payout line are held follows the line: no role of ours may write it, only this trigger does."""

from __future__ import annotations

from django.db import migrations

FORWARD = """
CREATE FUNCTION commissions_payout_line_moved() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    UPDATE commissions_payoutitem SET is_open = (NEW.state = 'waiting')
     WHERE organization_id = NEW.organization_id AND line_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER items_follow AFTER UPDATE OF state ON commissions_payoutline
    FOR EACH ROW EXECUTE FUNCTION commissions_payout_line_moved();
"""

BACKWARD = """
DROP TRIGGER items_follow ON commissions_payoutline;
DROP FUNCTION commissions_payout_line_moved;
"""


class Migration(migrations.Migration):
    dependencies = [("commissions", "0005_payouts")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
