"""What can be asked: a file for each kind of thing, whose `resource` is served because it is there."""
