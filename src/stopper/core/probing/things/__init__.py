"""What belongs to somebody: what one person made is read, changed and deleted by another, or by anybody."""
