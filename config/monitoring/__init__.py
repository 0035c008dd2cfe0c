"""Heartbeats, metrics, liveness and readiness."""
