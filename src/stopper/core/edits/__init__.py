"""The edits that mend what a rule has found."""
