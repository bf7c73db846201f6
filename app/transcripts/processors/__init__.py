"""What makes something of session logs: ours, and those of other packages (entry point group `tally.processors`)."""
