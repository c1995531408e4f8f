"""Stand-ins of the outside sources: the recorded shapes, and every way to misbehave."""
