"""The formats of a report. Each module has ``render(report) -> str``; none shows a secret: they see only what `shown` masked."""
