"""Reuse or recycle, collection, the shared processing base and material flows."""
