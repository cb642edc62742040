"""The Celery app and the whole timetable.

PostgreSQL is the only truth, so a task may be lost at any moment and the next tick makes up for it: tasks
acknowledge early, keep no results and are short; a retry is a column in a table, never a countdown.
"""

import logging
import os
from typing import Any

from celery import Celery, bootsteps
from celery.signals import worker_init
from kombu.exceptions import OperationalError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings
from django.db import OperationalError as NoDatabase
from django.db import connection

from config.durability import UnsafeDatabase, refuse_unsafe

log = logging.getLogger(__name__)
TICK = "newsletter.tasks.tick"

app = Celery("paper_round")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_connection_retry_on_startup=True,
    broker_connection_timeout=4,
    broker_transport_options={"socket_connect_timeout": 4, "socket_timeout": 30},
    task_publish_retry=False,  # who queues does not wait for Redis; the tick finds the work
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    # A drain of half a minute, then the halves of a call that was refused, which end after a lease; the last
    # of them may wait for its answer. Whatever takes longer than that hangs.
    task_soft_time_limit=settings.EMAIL_TIMEOUT + settings.NEWSLETTER_LEASE_SECONDS + 90,
    task_time_limit=settings.EMAIL_TIMEOUT + settings.NEWSLETTER_LEASE_SECONDS + 150,
    worker_hijack_root_logger=False,
    timezone="UTC",
    beat_schedule={
        "tick": {
            "task": TICK,
            "schedule": float(settings.NEWSLETTER_TICK_SECONDS),
            # A tick nobody took is worth nothing once the next is there.
            "options": {"expires": settings.NEWSLETTER_TICK_SECONDS},
        },
    },
    beat_scheduler="celery.beat.Scheduler",  # keeps no file: one entry, and the tick knows what is due
)
app.autodiscover_tasks()


@worker_init.connect  # type: ignore[untyped-decorator]
def refuse_to_work(**_: Any) -> None:
    """No worker starts on a database that could forget what was sent; one that is away is waited for."""
    try:
        refuse_unsafe(connection)
    except UnsafeDatabase as error:
        raise SystemExit(f"paper-round: {error}") from None
    except NoDatabase as error:
        log.warning("the database does not answer; every tick tries again: %s", error)
    finally:
        connection.close()  # the processes that are forked now open their own


class OwnTick(bootsteps.StartStopStep):  # type: ignore[misc]
    """Every worker also ticks by its own timer: a dead beat delays nothing."""

    requires = {"celery.worker.components:Timer"}

    def start(self, worker: Any) -> None:
        seconds = settings.NEWSLETTER_TICK_SECONDS
        self.entries = [
            worker.timer.call_after(1.0, self.tick),
            worker.timer.call_repeatedly(float(seconds), self.tick),
        ]

    def stop(self, worker: Any) -> None:
        for entry in self.entries:
            entry.cancel()

    @staticmethod
    def tick() -> None:
        try:
            app.send_task(TICK, expires=settings.NEWSLETTER_TICK_SECONDS)
        except OperationalError:
            log.warning("the broker does not answer; the next tick tries again")


app.steps["worker"].add(OwnTick)
