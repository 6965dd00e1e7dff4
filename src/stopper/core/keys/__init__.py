"""What the source does with API keys and other secrets that were drawn: what they are called, where they lie, and what judges them."""
