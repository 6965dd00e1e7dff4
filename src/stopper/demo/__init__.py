"""A leaky and a sealed sample API. Loopback only."""
