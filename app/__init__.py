"""Tally: what a company's AI agents did, exact and per account."""

__version__ = "0.1.0"
