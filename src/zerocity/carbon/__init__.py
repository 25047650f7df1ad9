"""Emission factors with year and source; embodied and avoided carbon."""
