"""Buses, trucks, taxis, cars, two-wheelers and boats: duty and energy per trip."""
