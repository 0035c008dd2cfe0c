"""What the portal's pages read. Every function takes the affiliate whose rows it may touch."""
