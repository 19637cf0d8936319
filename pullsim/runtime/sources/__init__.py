"""Where a runtime gets images from: registries and their mirrors."""
