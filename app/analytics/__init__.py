"""Reports: one file each, named by the last word of its URL."""
