"""Loopback servers for tests: real sockets, real bytes, scripted misbehaviour."""
