"""Flexibility of a portfolio, delivery, baseline and settlement."""
