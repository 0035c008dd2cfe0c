"""What our own ways are measured against: written as one ordinarily would, not to look bad."""
