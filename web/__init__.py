"""What every endpoint and page needs: requests, client addresses, batching, bases of panel pages and REST API."""
