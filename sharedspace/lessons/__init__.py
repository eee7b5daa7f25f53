"""What lessons work out: pure functions of arrays, and of models that are given, to frozen records."""
