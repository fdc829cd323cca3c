"""An image in files: archives of `docker save` and OCI layouts, read in place and hashed."""
