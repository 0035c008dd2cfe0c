"""The affiliate portal: what an affiliate's people see and do. Operators may look, never act."""
