"""The affiliate portal: pages for an affiliate's members. Operators can view them but change nothing."""
