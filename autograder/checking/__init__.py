"""What a graded check is made of: the pytest plugin, comparing, data, recorded answers, diagnosis."""
