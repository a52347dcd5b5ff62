"""Every message is updated a handful of times within minutes of its birth: leave room on the page for that."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("messaging", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE messaging_message SET (fillfactor = 70)",
            "ALTER TABLE messaging_message RESET (fillfactor)",
        ),
    ]
