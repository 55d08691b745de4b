"""Hardware descriptions that ship with the package, one YAML file a published chip."""
