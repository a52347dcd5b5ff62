from django.db import migrations, models

KNOWN = ["phone", "whatsapp"]
NAME = "crm_contact_point_number_is_e164"


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0019_search_text"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="contactpoint", name=NAME),
        migrations.AddConstraint(
            model_name="contactpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind__in", KNOWN), _negated=True),
                    ("value__regex", "^\\+[1-9][0-9]{6,14}$"),
                    models.Q(("status__in", ["unverified", "valid"]), _negated=True),
                    models.Q(("deleted_at__isnull", True), _negated=True),
                    _connector="OR",
                ),
                name=NAME,
            ),
        ),
    ]
