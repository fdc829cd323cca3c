"""Options, the configuration file, and the settings made of them."""
