"""The command line at another machine: what its commands ask is asked over HTTP."""
