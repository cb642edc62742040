from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("newsletter", "0011_changes_of_weight"),
    ]

    operations = [
        migrations.AddField(
            model_name="edition",
            name="cleared_mails",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="{state: how many}: mails whose rows were cleared, long after it.",
            ),
        ),
        migrations.AddField(
            model_name="topicmix",
            name="unused_since",
            field=models.DateTimeField(
                blank=True, help_text="Since when no reader has it, as far as was looked.", null=True
            ),
        ),
    ]
