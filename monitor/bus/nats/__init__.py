"""The bus on NATS JetStream; the only place that knows its library, which is installed with `whydown[bus]`."""
