"""A dozen readers who do not exist, each with a choice of topics of their own."""

from datetime import datetime

from newsletter.mixes import mix_for
from newsletter.models import Subscriber
from papers.models import Topic

ORIGIN = "demo"
# Name -> topic slugs ("+" more of it, "-" less of it) and length of the mail.
READERS: dict[str, tuple[str, int]] = {
    "ada": ("language-models agents reasoning", 10),
    "bruno": ("computer-vision video multimodal", 10),
    "chen": ("efficiency training architectures", 10),
    "dalia": ("multimodal speech-audio language-models", 10),
    "emil": ("robotics reinforcement-learning computer-vision", 10),
    "fatima": ("safety-alignment interpretability language-models-", 10),
    "goran": ("retrieval agents language-models", 5),
    "hana": ("image-generation graphics-3d computer-vision", 10),
    "ines": ("training+ architectures evaluation efficiency", 15),
    "jonas": ("code agents+ evaluation language-models", 10),
    "keiko": ("reasoning reinforcement-learning language-models", 10),
    "luis": ("people-society medicine science datasets language-models multimodal", 20),
}
WEIGHTS = {"+": "more", "-": "less"}


def make_readers(*, now: datetime) -> list[Subscriber]:
    """Return the dozen, making those who are missing. Topics that an editor deleted are left out."""
    topics = {topic.slug: topic for topic in Topic.objects.filter(is_active=True)}
    readers = []
    for name, (words, length) in READERS.items():
        weights = {}
        for word in words.split():
            weight = WEIGHTS.get(word[-1], "normal")
            slug = word[:-1] if word[-1] in WEIGHTS else word
            if slug in topics:
                weights[topics[slug]] = weight
        address = f"{name}@example.org"
        reader, _ = Subscriber.objects.get_or_create(
            email_key=address,
            defaults={
                "email": address,
                "state": Subscriber.State.ACTIVE,
                "mix": mix_for(weights, length=length),
                "origin": ORIGIN,
                "confirmed_at": now,
                "active_from": now,
            },
        )
        readers.append(reader)
    return readers


def others_active() -> int:
    """How many active readers are not of the dozen: their mail must never end in a folder."""
    return Subscriber.objects.filter(state=Subscriber.State.ACTIVE).exclude(origin=ORIGIN).count()
