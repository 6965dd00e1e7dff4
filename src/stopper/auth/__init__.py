"""One feature of authentication or authorization is one file."""
