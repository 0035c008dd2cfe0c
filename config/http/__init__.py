"""What every request passes: proxies, bodies, headers of security, files for robots."""
