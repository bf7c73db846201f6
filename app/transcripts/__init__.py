"""Session logs of agents: what they say becomes facts."""
