"""Access rules: API keys, sign-in, and which rows a person or a key may see."""
