"""Connected profiles, their secrets, and the keys that open Postbell to programs."""
