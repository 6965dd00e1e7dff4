"""The ready auth server, built only from the guard's own parts."""
