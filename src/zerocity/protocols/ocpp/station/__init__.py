"""A simulated station of each edition, in the same words as the server."""
