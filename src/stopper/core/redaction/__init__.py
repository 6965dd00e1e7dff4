"""The parts of the redactor: shapes and names as data, and what finds secrets behind encodings."""
