"""The caller's own."""
