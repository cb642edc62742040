"""The preferences of a reader, behind the link that stands in every mail."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from newsletter import staying
from newsletter.forms.preferring import PreferencesForm
from newsletter.mixes import mix_for
from newsletter.models import MixTopic, Subscriber
from newsletter.people.behind_link import bad_link, behind_mailed_link, masked
from newsletter.tokens import link_token, subscriber_for
from papers.models import Topic


@behind_mailed_link
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """Topics and how much of each, the length of a mail, and what to do on a day without a match."""
    reader = subscriber_for("preferences", token)
    if reader is None:
        return bad_link(request)
    unsubscribe_token = link_token("unsubscribe", reader.handle, reader.secret)
    if reader.state != Subscriber.State.ACTIVE:
        return HttpResponseRedirect(reverse("unsubscribe", args=[unsubscribe_token]))
    topics = list(Topic.objects.filter(is_active=True))
    form = PreferencesForm(request.POST if request.method == "POST" else None, topics=topics, mix=reader.mix)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            answers = form.cleaned_data
            weights = form.weights() | _choices_of_resting_topics(reader)
            mix = mix_for(
                weights,
                length=answers["length"],
                language=reader.mix.language,
                when_empty=answers["when_empty"],
            )
            staying.change_preferences(reader.pk, mix, now=timezone.now())
            return HttpResponseRedirect(f"{reverse('preferences', args=[token])}?saved=1")
        status = 400
    context = {
        "form": form,
        "masked": masked(reader.email),
        "unsubscribe_token": unsubscribe_token,
        "saved": "saved" in request.GET and request.method != "POST",
    }
    return render(request, "newsletter/preferences.html", context, status=status)


def _choices_of_resting_topics(reader: Subscriber) -> dict[Topic, str]:
    """Topics that an editor switched off are not on the page; what the reader chose of them is kept."""
    resting: list[MixTopic] = list(reader.mix.choices.filter(topic__is_active=False).select_related("topic"))
    return {choice.topic: choice.weight for choice in resting}
