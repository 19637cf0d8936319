"""The levers, each against its published figures: a module a lever, and the section of the report that they make."""
