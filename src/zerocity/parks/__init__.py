"""Zero-carbon industrial parks: indicators and evidence."""
