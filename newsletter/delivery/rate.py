class Used(Exception):
    pass


def ensure_open(*, now):
    pass


def take(n):
    return n, 0.0


def hold(seconds, *, now):
    pass
