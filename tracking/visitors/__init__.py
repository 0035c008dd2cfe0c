"""What a request shows of its visitor: device, country, cookie, consent to keep."""
