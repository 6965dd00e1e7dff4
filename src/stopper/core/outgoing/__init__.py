"""Calls to other services: whose host, with which headers, and how long they may take."""
