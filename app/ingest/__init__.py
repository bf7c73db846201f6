"""The doors facts come in by."""
