"""Who may pass: what asks who is calling, what only seems to, and which doors stand open."""
