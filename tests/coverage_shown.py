"""A plugin of pytest for `make test COVERAGE=yes`: what all processes covered together, above pytest's last line."""

import io

import coverage
import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    measured = coverage.Coverage.current()
    if measured is None:
        return
    measured.stop()
    measured.save()
    together = coverage.Coverage()
    together.combine()
    together.save()
    terminalreporter.section("coverage of app, branches included")
    table = io.StringIO()
    together.report(file=table, skip_covered=True, skip_empty=True)
    terminalreporter.write_line(table.getvalue())
