"""OpenAPI 3.0, 3.1 and Swagger 2: what a document says of the routes, and samples of what they take."""
