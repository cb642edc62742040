"""The desk's pages about papers, topics and sources."""

from papers.admin import papers, runs, topics

__all__ = ["papers", "runs", "topics"]
