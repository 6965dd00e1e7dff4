"""Who a scan can be: people who were given, registered or found, and how they stay logged in."""
