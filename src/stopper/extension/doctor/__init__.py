"""``flask stopper doctor``: judges one application, as it is set up now, by four lists of rules."""

from stopper.extension.doctor.judging import Report, Row, diagnose

__all__ = ["Report", "Row", "diagnose"]
