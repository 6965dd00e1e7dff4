"""What a caller sends is taken for code, markup, an address or a query."""
