"""Accounts of a running application: registration, log-in, reset, roles, and who may change whose."""
