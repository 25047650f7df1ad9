"""Double-entry accounts of energy, money, carbon, material and batteries; the audit."""
