"""`Stopper(app)`: read credentials, authenticate, decide, answer."""
