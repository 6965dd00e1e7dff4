"""OpenAPI 3.0, 3.1, Swagger 2 and Postman collections: what a document says of the routes, and samples of what they take."""
