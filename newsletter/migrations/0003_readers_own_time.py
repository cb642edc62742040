from django.db import migrations, models

import newsletter.models


class Migration(migrations.Migration):
    dependencies = [("newsletter", "0002_sources_of_an_edition")]

    operations = [
        migrations.AddField(
            model_name="subscriber",
            name="hour",
            field=models.PositiveSmallIntegerField(
                blank=True, help_text="Local hour, 0 to 23; empty: as soon as the edition is out.", null=True
            ),
        ),
        migrations.AddField(
            model_name="subscriber",
            name="paused_until",
            field=models.DateField(blank=True, help_text="The first local day with mail again.", null=True),
        ),
        migrations.AddField(
            model_name="subscriber",
            name="timezone",
            field=models.CharField(
                default=newsletter.models.default_zone, help_text="Such as Europe/Berlin.", max_length=64
            ),
        ),
        migrations.AddField(
            model_name="subscriber",
            name="weekdays",
            field=models.PositiveSmallIntegerField(
                default=127,
                help_text="Local days with mail: 1 Monday, 2 Tuesday, 4 Wednesday … 64 Sunday, added up.",
            ),
        ),
        migrations.AlterField(
            model_name="subscriber",
            name="active_from",
            field=models.DateTimeField(
                blank=True, help_text="What was due before, by their hour and days, is not owed.", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="subscriber",
            index=models.Index(
                condition=models.Q(("state", "active")),
                fields=["timezone", "hour"],
                name="subscriber_by_local_hour",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscriber",
            constraint=models.CheckConstraint(
                condition=models.Q(("hour", None), ("hour__lte", 23), _connector="OR"), name="hour_of_a_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="subscriber",
            constraint=models.CheckConstraint(
                condition=models.Q(("weekdays__gte", 1), ("weekdays__lte", 127)), name="some_day_with_mail"
            ),
        ),
    ]
