"""Learns weights for topics from labelled papers, and measures how well papers are filed."""
