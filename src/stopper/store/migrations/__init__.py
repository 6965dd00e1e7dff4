"""How a database gets from one version of the schema to the next, and back."""
