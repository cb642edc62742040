"""Give a new installation the topics of papers/topics/starter_topics.toml."""

import tomllib
from pathlib import Path

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

STARTER_TOPICS = Path(__file__).parent.parent / "topics" / "starter_topics.toml"


def add_starter_topics(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Add the topics that are missing; one that exists by slug or name is an editor's and stays."""
    topic_model = apps.get_model("papers", "Topic")
    topics = topic_model.objects.using(schema_editor.connection.alias)
    taken = set(topics.values_list("slug", flat=True)) | set(topics.values_list("name", flat=True))
    with STARTER_TOPICS.open("rb") as file:
        rows = tomllib.load(file)["topic"]
    topics.bulk_create(
        topic_model(
            slug=row["slug"],
            name=row["name"],
            description=row["description"],
            phrases=row["phrases"],
            categories=row.get("categories", []),
            position=10 * place,
        )
        for place, row in enumerate(rows, start=1)
        if row["slug"] not in taken and row["name"] not in taken
    )


class Migration(migrations.Migration):
    dependencies = [("papers", "0001_initial")]

    # Going back keeps the topics, since readers may follow them; coming again finds them and adds none.
    operations = [migrations.RunPython(add_starter_topics, migrations.RunPython.noop)]
