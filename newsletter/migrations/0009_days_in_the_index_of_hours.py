from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("newsletter", "0008_leaner_rows_of_the_ledger"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="subscriber",
            name="subscriber_by_local_hour",
        ),
        migrations.AddIndex(
            model_name="subscriber",
            index=models.Index(
                condition=models.Q(("state", "active")),
                fields=["timezone", "hour", "weekdays"],
                name="subscriber_by_local_hour",
            ),
        ),
    ]
