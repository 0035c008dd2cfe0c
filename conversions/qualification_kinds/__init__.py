"""What a goal can ask of an event: one file for each kind of rule, with all that differs between kinds."""
