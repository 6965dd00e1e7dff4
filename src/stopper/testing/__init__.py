"""The pytest plug-in: access matrix, token factory and checks that a route is closed."""
