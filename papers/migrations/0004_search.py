"""The words that papers are searched by: two tables, and the trigger that keeps them.

Nothing here takes time: the tables are empty, and the table of papers is locked for milliseconds. The papers
that are there already are read by the next migration.
"""

from pathlib import Path

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models

TRIGGER = Path(__file__).with_suffix(".sql").read_text(encoding="utf8")
REMOVE_TRIGGER = """
DROP TRIGGER papers_keep_words ON papers_paper;
DROP FUNCTION papers_keep_words;
DROP FUNCTION papers_write_words;
DROP FUNCTION papers_vector;
DROP FUNCTION papers_plain;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("papers", "0003_observations_follow_their_record"),
    ]

    operations = [
        migrations.CreateModel(
            name="PaperWords",
            fields=[
                (
                    "paper",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="words",
                        serialize=False,
                        to="papers.paper",
                    ),
                ),
                ("day", models.DateField(help_text="When it was published, else listed.", null=True)),
                ("is_listed", models.BooleanField(help_text="False where an editor has hidden the paper.")),
                ("title", django.contrib.postgres.search.SearchVectorField()),
                (
                    "everything",
                    django.contrib.postgres.search.SearchVectorField(
                        help_text="Title A, keywords B, abstract C, authors and organisation D."
                    ),
                ),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["title"], gin_pending_list_limit=256, name="paper_by_title_word"
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["everything"], gin_pending_list_limit=256, name="paper_by_word"
                    ),
                    models.Index(
                        models.OrderBy(models.F("day"), descending=True, nulls_last=True),
                        models.OrderBy(models.F("paper"), descending=True),
                        name="paper_words_newest_first",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TitleWord",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("word", models.CharField(max_length=40)),
                ("backwards", models.CharField(max_length=40)),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["word"], name="title_word_by_beginning", opclasses=["varchar_pattern_ops"]
                    ),
                    models.Index(
                        fields=["backwards"], name="title_word_by_end", opclasses=["varchar_pattern_ops"]
                    ),
                ],
            },
        ),
        migrations.RunSQL(TRIGGER, REMOVE_TRIGGER),
    ]
