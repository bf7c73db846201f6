"""The demo: a company whose agents were at work for ninety days."""
