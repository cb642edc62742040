"""What readers know the sources as."""

READ_BY_THEMSELVES = ("huggingface", "arxiv")  # `papers.reading.plans` has a plan for each
SOURCE_NAMES = {
    "huggingface": "Hugging Face",
    "arxiv": "arXiv",
    "capture": "Page captures",
    "jsonl": "JSON Lines",
}


def name_of(source: str) -> str:
    """The name of a source; one that is not known has none but its own."""
    return SOURCE_NAMES.get(source, source)
