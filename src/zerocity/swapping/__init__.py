"""Swap stations and cabinets: handover and restocking."""
