"""Click IDs of the platform that an operator used before."""
