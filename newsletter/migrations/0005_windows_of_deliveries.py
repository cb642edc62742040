import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("newsletter", "0004_release_pause_and_revision_of_an_edition")]

    operations = [
        migrations.RemoveIndex(
            model_name="delivery",
            name="delivery_pending_by_mix",
        ),
        migrations.AddField(
            model_name="delivery",
            name="covers",
            field=models.BooleanField(
                default=True, help_text="The window went out or still may: its editions are not owed again."
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="due_at",
            field=models.DateTimeField(help_text="The reader's own moment.", null=True),
        ),
        migrations.AddField(
            model_name="delivery",
            name="expires_at",
            field=models.DateTimeField(help_text="Not sent any more from then on.", null=True),
        ),
        migrations.AddField(
            model_name="delivery",
            name="first_on",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="delivery",
            name="last_on",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="delivery",
            name="revision",
            field=models.PositiveSmallIntegerField(
                blank=True, help_text="The revision of the edition that was handed over.", null=True
            ),
        ),
        # Until now each mail held one edition, and was due when it was planned.
        migrations.RunSQL(
            "UPDATE newsletter_delivery d SET first_on = e.date, last_on = e.date, due_at = planned_at,"
            " expires_at = planned_at + interval '6 hours',"
            " covers = d.state IN ('pending', 'claimed', 'handoff', 'accepted', 'in_doubt')"
            " OR (d.state = 'skipped' AND d.reason = 'nothing matched')"
            " FROM newsletter_edition e WHERE e.id = d.edition_id",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField("delivery", "first_on", models.DateField()),
        migrations.AlterField("delivery", "last_on", models.DateField()),
        migrations.AlterField(
            "delivery", "due_at", models.DateTimeField(help_text="The reader's own moment.")
        ),
        migrations.AlterField(
            "delivery", "expires_at", models.DateTimeField(help_text="Not sent any more from then on.")
        ),
        migrations.AlterField(
            model_name="delivery",
            name="edition",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="newsletter.edition",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="message_id",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="mix",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="newsletter.topicmix",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="subscriber",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="newsletter.subscriber",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "pending")),
                fields=["edition", "first_on", "mix", "id"],
                name="delivery_pending",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["subscriber", "-last_on"], name="delivery_windows"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("message_id", ""), _negated=True),
                fields=["message_id"],
                name="delivery_message_id",
            ),
        ),
    ]
