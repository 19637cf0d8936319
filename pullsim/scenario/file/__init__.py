"""Reading scenario files, changing them by overrides, and writing them with all their defaults."""
