"""A form for other sites: plain HTML to copy, and the page on which what was typed there arrives."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from newsletter.forms.choosing import ChoiceForm
from newsletter.people.counter import active_topics, counter, prefilled, wanted


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def embed(request: HttpRequest) -> HttpResponse:
    """GET: the snippet. POST, from any site: the whole form with that address and those topics filled in.

    A POST changes nothing and mails nobody: the button of the page that it shows does, which is ours and has
    a CSRF token.
    """
    topics = active_topics()
    if request.method == "POST":
        response = counter(request, prefilled(request, topics, request.POST), almost=True)
    else:
        form = ChoiceForm(topics=topics, initial=wanted(request.GET), auto_id=False)
        chosen = form.chosen()
        snippet = render_to_string(
            "newsletter/_snippet.html",
            {
                "url": str(settings.SITE_URL).rstrip("/") + reverse("embed"),
                "name": settings.NEWSLETTER_NAME,
                "slugs": [topic.slug for topic in topics if topic.slug in chosen],
                "names": [topic.name for topic in topics if topic.slug in chosen],
            },
        )
        context = {"topics": topics, "chosen": chosen, "snippet": snippet.strip(), "sample": snippet}
        response = render(request, "newsletter/embed.html", context)
    return response
