"""The reader of source: from files to facts, one pass over each tree."""
