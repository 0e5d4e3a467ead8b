"""What is served over HTTP: the intake of agents' facts. Above it stands the hub, which it knows as a `Desk`."""
