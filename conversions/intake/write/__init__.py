"""Write what was decided, and the answer."""
