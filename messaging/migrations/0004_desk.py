"""Replies and hours of an office, notes that stay in the house, who waits since when, and a search inside messages."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import core.models.base
import core.models.organization

# Behind the wall no trigram can be looked up in an index, so the search runs as the owner and narrows by itself
# (docs/adr/0013): the present organisation, and for who sees only their own, their conversations and numbers.
SEARCH = r"""
CREATE FUNCTION majlis_search_messages(asked text, own_members bigint[], own_channels bigint[], most integer)
RETURNS TABLE (id bigint, conversation_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    here bigint := NULLIF(current_setting('majlis.organization', true), '')::bigint;
    pattern text := '%' || replace(replace(replace(left(asked, 200), '\', '\\'), '%', '\%'), '_', '\_') || '%';
BEGIN
    IF here IS NULL THEN RETURN; END IF;
    -- Put together anew, so that the planner sees how rare the words are.
    RETURN QUERY EXECUTE format(
        'SELECT m.id, m.conversation_id FROM messaging_message m
          WHERE m.organization_id = %s AND m.body ILIKE %L AND m.deleted_at IS NULL AND NOT m.payload ? ''revoked''
            AND ($1 IS NULL OR EXISTS (SELECT FROM messaging_conversation c
                 WHERE c.organization_id = m.organization_id AND c.id = m.conversation_id
                   AND (c.assigned_to_id = ANY ($1) OR c.channel_id = ANY ($2))))
          ORDER BY m.id DESC LIMIT %s', here, pattern, most) USING own_members, own_channels;
END
$$;
"""

# Nobody has answered what was said last. One organisation after the other, as the wall demands.
WAITING = r"""
DO $$
DECLARE
    before text := current_setting('majlis.organization', true);
    house bigint;
BEGIN
    FOR house IN SELECT id FROM core_organization ORDER BY id LOOP
        PERFORM set_config('majlis.organization', house::text, true);
        UPDATE messaging_conversation SET waiting_since = last_inbound_at
         WHERE organization_id = house AND status IN ('open', 'pending') AND last_inbound_at >= last_message_at;
    END LOOP;
    PERFORM set_config('majlis.organization', coalesce(before, ''), true);
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0005_exports"),
        ("crm", "0013_verified_by_from_the_trail"),
        ("messaging", "0003_calls_and_free_entry"),
    ]

    operations = [
        migrations.CreateModel(
            name="CannedReply",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "shortcut",
                    models.CharField(
                        max_length=30,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[^\\s/]{1,30}$", "A shortcut is one word without a slash."
                            )
                        ],
                    ),
                ),
                ("body", models.TextField(help_text="{name}: the person's first name; {me}: the name of who sends it")),
            ],
        ),
        migrations.CreateModel(
            name="OfficeHours",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "time_zone",
                    models.CharField(
                        blank=True,
                        help_text="empty: the organisation's",
                        max_length=50,
                        validators=[core.models.organization.validate_time_zone],
                    ),
                ),
                (
                    "week",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text='Monday first, e.g. [[["09:00", "13:00"], ["16:00", "20:00"]], ...]; empty: the organisation\'s hours',
                    ),
                ),
                ("says_away", models.BooleanField(default=False)),
                ("away_text", models.TextField(blank=True)),
                ("away_text_arabic", models.TextField(blank=True)),
            ],
        ),
        migrations.AddField(
            model_name="conversation",
            name="snoozed_until",
            field=models.DateTimeField(blank=True, help_text="out of sight until then, or until they write", null=True),
        ),
        migrations.AddField(
            model_name="conversation",
            name="waiting_since",
            field=models.DateTimeField(blank=True, help_text="their first word that nobody has answered", null=True),
        ),
        migrations.AlterField(
            model_name="message",
            name="type",
            field=models.CharField(
                choices=[
                    ("text", "Text"),
                    ("image", "Image"),
                    ("video", "Video"),
                    ("audio", "Audio"),
                    ("document", "Document"),
                    ("sticker", "Sticker"),
                    ("location", "Location"),
                    ("contacts", "Contact card"),
                    ("reaction", "Reaction"),
                    ("interactive", "Interactive"),
                    ("template", "Template"),
                    ("call", "Call"),
                    ("system", "System"),
                    ("note", "Note"),
                    ("unsupported", "Unsupported"),
                ],
                default="text",
                max_length=11,
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("waiting_since__isnull", False)),
                fields=["organization", "waiting_since"],
                name="messaging_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("type", "note"), _negated=True),
                    models.Q(
                        ("direction", "outbound"),
                        ("provider_id", ""),
                        ("quoted_provider_id", ""),
                        ("recipient", ""),
                        ("status", "received"),
                    ),
                    _connector="OR",
                ),
                name="messaging_message_note_stays_in_the_house",
            ),
        ),
        migrations.AddField(
            model_name="cannedreply",
            name="organization",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core.organization"
            ),
        ),
        migrations.AddField(
            model_name="cannedreply",
            name="owner",
            field=core.models.base.TenantForeignKey(
                blank=True,
                db_constraint=False,
                help_text="nobody: shared",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="core.membership",
            ),
        ),
        migrations.AddField(
            model_name="officehours",
            name="channel",
            field=core.models.base.TenantForeignKey(
                blank=True,
                db_constraint=False,
                help_text="nothing: all",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="office_hours",
                to="messaging.channel",
            ),
        ),
        migrations.AddField(
            model_name="officehours",
            name="organization",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core.organization"
            ),
        ),
        migrations.AddConstraint(
            model_name="cannedreply",
            constraint=models.UniqueConstraint(
                fields=("organization", "owner", "shortcut"),
                name="messaging_canned_reply_shortcut_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="cannedreply",
            constraint=models.CheckConstraint(
                condition=models.Q(("body", ""), _negated=True), name="messaging_canned_reply_says_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="officehours",
            constraint=models.UniqueConstraint(
                fields=("organization", "channel"), name="messaging_office_hours_once", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="officehours",
            constraint=models.CheckConstraint(
                condition=models.Q(("says_away", False), models.Q(("away_text", ""), _negated=True), _connector="OR"),
                name="messaging_office_hours_away_has_words",
            ),
        ),
        migrations.RunSQL(SEARCH, "DROP FUNCTION majlis_search_messages(text, bigint[], bigint[], integer)"),
        migrations.RunSQL(WAITING, migrations.RunSQL.noop),
    ]
