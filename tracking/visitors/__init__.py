"""What a request reveals about its visitor: device, country, cookie, privacy."""
