"""Charging stations and sessions."""
