"""What a feed says of a paper: all that is known, nothing that is not, and text as text."""

from papers.feed_entry import html_of
from papers.public import PublicPaper

BARE = PublicPaper(
    key="3f2a",
    url="https://papers.example.org/papers/3f2a/",
    json="https://papers.example.org/papers/3f2a.json",
    title="Otters",
    summary="",
    organization=None,
    author_count=None,
    published_on=None,
    upvotes=None,
    comments=None,
    github_stars=None,
    why=None,
    topics=[],
    from_archive=False,
    arxiv_id=None,
    code_url=None,
    project_url=None,
)


def test_all_that_is_known_is_told_and_text_is_no_markup() -> None:
    known = BARE | {
        "summary": "Otters <b>swim</b> & dive.",
        "organization": "Harbour & Sons",
        "upvotes": 0,
        "github_stars": 1240,
        "arxiv_id": "2604.13074",
        "code_url": "https://github.com/a/b?c=1&d='2'",
    }
    assert html_of(known, withdrawn=True) == (
        "<p>Withdrawn by its authors.</p>\n"
        "<p>Otters &lt;b&gt;swim&lt;/b&gt; &amp; dive.</p>\n"
        "<p>Harbour &amp; Sons · ▲ 0 · ★ 1.2k"
        ' · <a href="https://papers.example.org/papers/3f2a/">papers.example.org</a>'
        ' · <a href="https://arxiv.org/abs/2604.13074">arXiv</a>'
        ' · <a href="https://arxiv.org/pdf/2604.13074">PDF</a>'
        ' · <a href="https://github.com/a/b?c=1&amp;d=&#x27;2&#x27;">Code</a></p>'
    )


def test_what_is_unknown_is_left_out() -> None:
    assert html_of(BARE, withdrawn=False) == (
        '<p><a href="https://papers.example.org/papers/3f2a/">papers.example.org</a></p>'
    )
