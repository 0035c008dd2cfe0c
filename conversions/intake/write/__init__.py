"""Write decisions and answers."""
