"""The command line: thin over the services. `main` has the table of commands, `common` what they share."""
