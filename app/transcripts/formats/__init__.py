"""Pure parsers of session logs: bytes in, rows and problems out; no I/O, no clock, and nothing anybody said is kept."""
