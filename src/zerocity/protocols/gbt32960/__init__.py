"""GB/T 32960.3, the 2016 and the 2025 edition, in both roles."""
