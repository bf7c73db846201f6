"""How fast, as ratios within one run: `make bench`, or `python -m benchmarks [--scale full] NAME…`.

A benchmark is a module with one function and a line in `benchmarks/__main__.py`:

    def measure(scale: Scale) -> list[Figure]

It measures what it compares in interleaved rounds and reports medians, so that a busy machine slows both sides alike:
keep the ratio, not the number.
"""
