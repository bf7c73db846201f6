"""The database: where it runs, how a transaction is entered."""
