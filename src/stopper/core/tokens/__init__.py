"""What the source does with tokens: how they are made, read, verified, kept and ended."""
