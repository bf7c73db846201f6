"""tally push: the session logs of this machine, as rows; what was said in them stays here."""
