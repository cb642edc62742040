from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("newsletter", "0009_days_in_the_index_of_hours"),
    ]

    operations = [
        migrations.AddField(
            model_name="outboxmail",
            name="hour",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="outboxmail",
            name="timezone",
            field=models.CharField(
                blank=True,
                help_text="With hour and days what confirming puts in force too; empty: the reader's time stays.",
                max_length=64,
            ),
        ),
        migrations.AddField(
            model_name="outboxmail",
            name="to",
            field=models.EmailField(
                blank=True, help_text="Where it goes, if not to the reader's address.", max_length=254
            ),
        ),
        migrations.AddField(
            model_name="outboxmail",
            name="to_key",
            field=models.CharField(
                blank=True, db_index=True, help_text="As addresses are compared.", max_length=320
            ),
        ),
        migrations.AddField(
            model_name="outboxmail",
            name="weekdays",
            field=models.PositiveSmallIntegerField(default=127),
        ),
        migrations.AlterField(
            model_name="outboxmail",
            name="kind",
            field=models.CharField(
                choices=[
                    ("confirm", "confirm the subscription"),
                    ("preferences", "link to the preferences"),
                    ("private", "link for an hour, to export, erase or move"),
                    ("move", "confirm the new address"),
                    ("moved", "word to the old address that mail goes elsewhere now"),
                ],
                max_length=12,
            ),
        ),
    ]
