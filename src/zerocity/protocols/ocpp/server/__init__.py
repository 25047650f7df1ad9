"""The OCPP server: who is let in, what a connection may cost, answers after their commit."""
