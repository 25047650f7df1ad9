"""Identity codes, the lawful steps of a life and the ledger's fold."""
