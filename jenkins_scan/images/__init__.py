"""Which image is this, by its bytes."""
