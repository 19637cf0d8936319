"""A run as a trace for ui.perfetto.dev and chrome://tracing."""
