"""What a run leaves: series, journal and manifest."""
