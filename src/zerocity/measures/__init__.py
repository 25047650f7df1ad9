"""Units, the UTC time grid, seeds and money."""
