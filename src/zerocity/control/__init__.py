"""Decisions shared by the twin and the live platform."""
