"""An image in a container engine: which one is asked, how, and what its answer proves."""
