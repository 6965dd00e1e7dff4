"""What goes out with an answer: bodies, headers, pages, texts of errors, and what is loaded or run on the way."""
