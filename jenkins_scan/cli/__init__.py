"""The command line: one verb a file, and the one place that prints and exits."""
