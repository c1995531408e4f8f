"""What several tests share: stacks of their own, databases, stand-ins of the outside world."""
