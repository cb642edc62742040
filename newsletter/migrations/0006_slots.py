import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("newsletter", "0005_windows_of_deliveries")]

    operations = [
        migrations.CreateModel(
            name="Slot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("timezone", models.CharField(max_length=64)),
                ("hour", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("due_at", models.DateTimeField()),
                ("planned_at", models.DateTimeField()),
                ("planned", models.PositiveIntegerField(default=0, help_text="Readers who got a row.")),
            ],
        ),
        migrations.AddField(
            model_name="slot",
            name="edition",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="slots", to="newsletter.edition"
            ),
        ),
        migrations.AddConstraint(
            model_name="slot",
            constraint=models.UniqueConstraint(
                fields=("edition", "timezone", "hour", "due_at"),
                name="one_slot_per_zone_hour_and_moment",
                nulls_distinct=False,
            ),
        ),
    ]
