"""A Celery worker and a beat in a world, as they are started in production."""

from tests.crash.world import Child, World


def worker(world: World) -> Child:
    options = ("--concurrency", "1", "--without-gossip", "--without-mingle", "--loglevel", "INFO")
    return world.start("celery", "worker", *options, log="workers.log")


def beat(world: World) -> Child:
    return world.start("celery", "beat", "--pidfile=", "--loglevel", "INFO", log="beats.log")
