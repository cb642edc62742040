from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("newsletter", "0003_readers_own_time")]

    operations = [
        migrations.AddField(
            model_name="edition",
            name="paused_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="edition",
            name="paused_because",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="edition",
            name="released_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Since when it may be sent: frozen, and approved where that is asked.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="edition",
            name="resumed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="edition",
            name="revision",
            field=models.PositiveSmallIntegerField(
                default=0, help_text="Counts the withdrawals since it was frozen."
            ),
        ),
        migrations.AddField(
            model_name="editionpaper",
            name="removed_in",
            field=models.PositiveSmallIntegerField(
                blank=True, help_text="The revision of the edition that no longer has it.", null=True
            ),
        ),
        # What was frozen before could be sent at once.
        migrations.RunSQL(
            "UPDATE newsletter_edition SET released_at = frozen_at WHERE state IN"
            " ('frozen', 'sending', 'closed', 'closed_with_in_doubt')",
            migrations.RunSQL.noop,
        ),
    ]
