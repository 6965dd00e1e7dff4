"""Import-compatible faces for people who come from other extensions."""
