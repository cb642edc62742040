"""Answers that take an address take the same time for every address.

Known and unknown addresses cost different work: measured, a reader who asked for the lost link was answered
in almost three times the time of a stranger (`python -m benchmarks doors`). So an answer leaves on a whole
step of time after its request came, and the work hides in the step.
"""

from collections.abc import Callable
from functools import wraps
from time import monotonic, sleep
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.http import HttpRequest, HttpResponse

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def in_even_time(view: View[P]) -> Callable[..., HttpResponse]:
    """For doors at which a stranger may type an address. Only a POST that was taken waits: what is refused is
    refused for what was typed, whoever it names."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        began = monotonic()
        response = view(request, *args, **kwargs)
        if request.method == "POST" and response.status_code == 200:
            sleep(rest_of_step(monotonic() - began, settings.ANSWER_STEP_SECONDS))
        return response

    return wrapped


def rest_of_step(spent: float, step: float) -> float:
    """Seconds until the next whole number of steps; 0 where there are no steps."""
    return step - spent % step if step > 0 else 0.0
