"""Calls to other services that cannot leak the credential they carry."""
