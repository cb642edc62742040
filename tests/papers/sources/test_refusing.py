import pytest

from papers.sources.refusing import FailedError, same_host

ALLOWED = [
    ("https://papers.example/api?x=1", "/list?y=2", "https://papers.example/list?y=2"),
    ("https://papers.example/api/one", "two", "https://papers.example/api/two"),
    ("https://papers.example/api", "https://PAPERS.example:443/b", "https://PAPERS.example:443/b"),
    ("http://papers.example/api", "https://papers.example/api", "https://papers.example/api"),
    ("http://papers.example:8000/api", "//papers.example:8000/b", "http://papers.example:8000/b"),
]
REFUSED = [
    ("https://papers.example/api", "http://papers.example/api"),
    ("https://papers.example/api", "https://papers.example:8443/api"),
    ("https://papers.example/api", "https://papers.example.evil.example/api"),
    ("https://papers.example/api", "https://ada@papers.example/api"),
    ("https://papers.example/api", "//evil.example/api"),
    ("https://papers.example/api", "ftp://papers.example/api"),
    ("http://papers.example:8000/api", "https://papers.example:8000/api"),
    ("http://papers.example:8000/api", "https://papers.example/api"),
    ("http://10.0.0.1/api", "http://169.254.169.254/latest"),
]


@pytest.mark.parametrize(("asked", "location", "led_to"), ALLOWED)
def test_a_redirect_may_lead_to_the_same_host_and_to_its_https(
    asked: str, location: str, led_to: str
) -> None:
    assert same_host(asked, location) == led_to


@pytest.mark.parametrize(("asked", "location"), REFUSED)
def test_a_redirect_may_lead_nowhere_else(asked: str, location: str) -> None:
    with pytest.raises(FailedError) as caught:
        same_host(asked, location)
    assert (caught.value.kind, caught.value.passing) == ("redirect", False)
