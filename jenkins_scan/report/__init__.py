"""The result model and one file for each format."""
