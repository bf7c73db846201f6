"""Logs read on the machine they lie on, in a process of its own: `python -m app.transcripts.reading`.

It is asked over its standard input and answers on its standard output, so that it ends with whoever started it, and
waits when they are slow. What leaves it is rows, counts and hashes; content only where raw logs are asked for, and then
without what looks like a secret.
"""
