"""``chorus-tui doctor``: looks at this machine and says what is missing and how to mend it. Needs no engine."""
