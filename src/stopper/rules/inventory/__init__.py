"""Routes and documents that nobody meant to serve, and documents that do not say what is served."""
