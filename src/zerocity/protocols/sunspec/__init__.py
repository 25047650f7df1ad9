"""Inverters, stores and meters over Modbus, by SunSpec models."""
