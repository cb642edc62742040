import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("newsletter", "0007_pace_and_deadlines"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="delivery",
            name="one_delivery_per_edition_and_subscriber",
        ),
        migrations.RemoveIndex(
            model_name="delivery",
            name="delivery_windows",
        ),
        migrations.AlterField(
            model_name="delivery",
            name="edition",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="newsletter.edition",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="mix",
            field=models.ForeignKey(
                db_constraint=False,
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
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="newsletter.subscriber",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["edition"], name="delivery_edition"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                fields=("subscriber", "last_on"), name="one_delivery_per_subscriber_and_last_edition"
            ),
        ),
    ]
