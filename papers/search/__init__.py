"""From what a reader typed to a page of papers: asking → translating → finding → marking → page."""
