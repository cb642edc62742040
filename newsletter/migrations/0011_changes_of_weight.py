import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("newsletter", "0010_wishes_of_a_confirmation"),
        ("papers", "0008_learned_weights"),
    ]

    operations = [
        migrations.CreateModel(
            name="WeightChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "before",
                    models.CharField(
                        choices=[("off", "off"), ("less", "less"), ("normal", "normal"), ("more", "more")],
                        max_length=6,
                    ),
                ),
                (
                    "after",
                    models.CharField(
                        choices=[("off", "off"), ("less", "less"), ("normal", "normal"), ("more", "more")],
                        max_length=6,
                    ),
                ),
                ("changed_at", models.DateTimeField()),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                (
                    "paper",
                    models.ForeignKey(
                        help_text="What moved them.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="papers.paper",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="weight_changes",
                        to="newsletter.subscriber",
                    ),
                ),
                (
                    "topic",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="papers.topic"
                    ),
                ),
            ],
            options={
                "ordering": ["-changed_at", "-id"],
            },
        ),
    ]
