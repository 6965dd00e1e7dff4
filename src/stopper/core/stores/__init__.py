"""What databases are asked and told: statements, models, rows and whose they are."""
