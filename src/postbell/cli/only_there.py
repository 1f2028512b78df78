"""Commands that are done at the machine itself, and not with --remote at another one."""

from __future__ import annotations

from collections.abc import Mapping


#: Command → why.
WHY: Mapping[str, str] = {
    "init": "it makes what a daemon needs to run",
    "demo": "it runs a Postbell of its own",
    "run": "it is the daemon that answers",
    "version": "it tells what is installed; the OpenAPI document says which version answers",
    "doctor": "it looks at what keeps a daemon from answering; `postbell status` says how one does",
    "secrets show": "the key of the secrets stays with the machine",
    "secrets new-key": "the key of the secrets stays with the machine",
    "secrets encrypt": "it needs the daemon to be stopped",
    "secrets rotate": "it needs the daemon to be stopped",
    "secrets decrypt": "it needs the daemon to be stopped",
    "key add": "who has stolen a key could make others that outlive it",
    "key list": "what opens the door is looked after from within",
    "key revoke": "what opens the door is looked after from within",
    "db restore": "it needs the daemon to be stopped",
    "db upgrade": "it needs the daemon to be stopped",
    "db prune": "the daemon does that by itself once a day",
    "db current": "it looks at files that a daemon may refuse; `postbell status` tells the schema too",
}
