"""What the central system does with each message, and what it asks of stations."""
