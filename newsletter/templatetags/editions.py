"""What the newsletter adds to a page about a paper: `papers` itself knows nothing of editions."""

from django import template

from newsletter.models import Edition
from newsletter.shelf import printed_with
from papers.models import Paper

register = template.Library()


@register.inclusion_tag("newsletter/_printed_in.html")
def printed_in(paper: Paper) -> dict[str, Edition | None]:
    """The one edition that printed this paper, if any did. One query."""
    return {"edition": printed_with(paper)}
