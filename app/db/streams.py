"""Long reads: rows as long as somebody wants them, a piece at a time, in one transaction that sees one moment."""

# A download may take as long as somebody keeps reading it, up to an hour; no single statement may.
PATIENCE = "SET LOCAL transaction_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = '1min'"
A_PIECE = 2_000  # rows
