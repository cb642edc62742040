"""What a feed says of a paper, as HTML. In English, for feeds are the same for everybody.

No template: a feed has up to 200 of these, and they would take a third of the time that it takes.
"""

from django.utils.html import escape

from papers.public import PublicPaper
from papers.templatetags.newsprint import compact, host


def html_of(paper: PublicPaper, *, withdrawn: bool) -> str:
    """Paragraphs: whether it was withdrawn, the summary, and the facts with links; unknown is left out."""
    summary, organization = paper["summary"], paper["organization"]
    counts = {"▲": paper["upvotes"], "★": paper["github_stars"]}
    facts = [
        *([escape(organization)] if organization else []),
        *(f"{sign} {compact(count)}" for sign, count in counts.items() if count is not None),
        *(f'<a href="{escape(address)}">{escape(name)}</a>' for name, address in _links(paper).items()),
    ]
    paragraphs = [
        *(["Withdrawn by its authors."] if withdrawn else []),
        *([escape(summary)] if summary else []),
        " · ".join(facts),
    ]
    return "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)


def _links(paper: PublicPaper) -> dict[str, str]:
    """Addresses by name."""
    links = {host(paper["url"]): paper["url"]}
    if arxiv_id := paper["arxiv_id"]:
        links |= {"arXiv": f"https://arxiv.org/abs/{arxiv_id}", "PDF": f"https://arxiv.org/pdf/{arxiv_id}"}
    if paper["code_url"]:
        links["Code"] = paper["code_url"]
    return links
