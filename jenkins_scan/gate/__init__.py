"""What decides: the quota gate and the verdict."""
