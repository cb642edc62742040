"""Makes the papers searchable that were there before search was.

A batch at a time, each in a transaction of its own, so that only the papers of one batch are locked and only
for a second or so. Each takes the lock of imports first: they go on between two batches, and neither can hold
what the other waits for. It can be stopped and run again: what is done is passed over. Measured at 100,000
papers: see docs/searching.md.
"""

from django.apps.registry import Apps
from django.db import migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

BATCH = 1_000
SAY_EVERY = 10_000  # papers; a small installation is not told anything
SAVING = 0x50617065  # as in papers/locks.py, which may change when this no longer may

# Locked, so that a paper which is being changed is read as it is afterwards.
_NEXT_BATCH = """
    WITH batch AS (
      SELECT * FROM papers_paper AS paper
      WHERE id > %s AND NOT EXISTS (SELECT FROM papers_paperwords WHERE paper_id = paper.id)
      ORDER BY id LIMIT %s FOR NO KEY UPDATE
    )
    SELECT id, papers_write_words(batch::papers_paper) FROM batch
"""


def make_searchable(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    done, last = 0, 0
    with schema_editor.connection.cursor() as cursor:
        while True:
            with transaction.atomic(using=schema_editor.connection.alias):
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SAVING])
                cursor.execute(_NEXT_BATCH, [last, BATCH])
                ids = [row[0] for row in cursor.fetchall()]
            if not ids:
                break
            last = max(ids)
            before, done = done, done + len(ids)
            if done // SAY_EVERY > before // SAY_EVERY:
                print(f"\n  {done:,} papers made searchable", end="", flush=True)
        if done:
            cursor.execute("ANALYZE papers_paperwords")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("papers", "0004_search")]

    operations = [migrations.RunPython(make_searchable, migrations.RunPython.noop, elidable=True)]
