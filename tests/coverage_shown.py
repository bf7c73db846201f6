"""A plugin of pytest for `make test COVERAGE=yes`: what all processes covered together, above pytest's last line."""

import io
import warnings

import coverage
import pytest
from coverage.exceptions import CoverageWarning


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    measured = coverage.Coverage.current()
    # The processes among which tests are dealt out come by here as well; only who started them may gather.
    if measured is None or hasattr(terminalreporter.config, "workerinput"):
        return
    measured.stop()
    measured.save()
    together = coverage.Coverage()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CoverageWarning)  # a process that a test killed may have left half a file
        together.combine()
    together.save()
    terminalreporter.section("coverage of app, branches included")
    table = io.StringIO()
    together.report(file=table, skip_covered=True, skip_empty=True)
    terminalreporter.write_line(table.getvalue())
