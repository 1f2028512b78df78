"""What `postbell --help` prints: click's own page, kept because click takes long to import.

Written by `python -m support.first_page` in the folder `tests`.
"""

FIRST_PAGE = """\
Usage: postbell [OPTIONS] COMMAND [ARGS]...

  Publish posts on social networks: on time, once, and never silently late.

  Examples:
    postbell init
    postbell account add bluesky --name sky
    postbell add "Hello, world" --to sky --at "tomorrow 9am"
    postbell run

  Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 not valid,
  5 not possible in this state, 6 the network refuses the account,
  7 the network failed, 8 partly done, 75 try again later,
  78 wrong configuration, 130 interrupted.

Options:
  --data-dir PATH  Where database, media and backups lie.
  --config PATH    The configuration file.
  --remote URL     Ask the Postbell of another machine over HTTP.
  --key-file PATH  The file with the key to it.
  --json           Print JSON, one line for each thing.
  -q, --quiet      Print only what was asked for; `add` prints the id alone.
  -v, --verbose    Print more, also where in Postbell a fault lies.
  --no-input       Never ask anything.
  --no-color       Print without colours; so does the variable NO_COLOR.
  --version        Show the version and exit.
  -h, --help       Show this message and exit.

Commands:
  init        Make the folders, the configuration and the database.
  demo        Show Postbell at work, in a temporary folder.
  account     Connect profiles on networks, and look after them.
  secrets     Encrypt what accounts and hooks keep secret in the database.
  networks    Show the networks: what each needs, takes and offers.
  add         Write a new post.
  list        List posts by their time, those without one last.
  show        Show one post with everything that belongs to it.
  log         Show every try to publish a post.
  wait        Wait until posts have been published, or have failed.
  edit        Change a draft, a scheduled or a published post.
  reschedule  Give a draft or scheduled post a time, or another one.
  series      Write what is published again and again.
  queue       Give accounts posting times, and look after the posts that take
              them.
  next        List what will be published next, also what series have not made
              yet; nothing is stored.
  agenda      Show day by day what was and what will be published, and dated
              drafts.
  month       Show a month as a grid of days: what was and what will be
              published on each.
  rehearse    Show what would happen in a span of time, without sending or
              storing anything.
  publish     Publish a post now; one that waits for another try is tried now.
  cancel      Cancel what is not yet published of a post; the post itself is
              kept.
  delete      Remove a draft, scheduled or cancelled post for good.
  retry       Try again, now, what failed or was missed.
  settle      Say how an unsure delivery ended, after a look at the network.
  unpublish   Take a published post away from its networks.
  engagement  Count who responded to a post, so that --auto learns which hours
              are good.
  metrics     Show how people responded to a post.
  pause       Hold back accounts, series, labels or everything.
  resume      Let go on what was paused; say what that publishes late, and
              what is missed.
  status      Show what is due, what is late, and whether the daemon runs.
  notify      Try how you are told what you should know, and see what you were
              told.
  doctor      Look for what is wrong with this installation.
  run         Publish what is due, until the process is told to stop.
  key         Let programs ask the HTTP API.
  hook        Let addresses be told what happens, by signed requests.
  db          Check, back up, restore and upgrade the database.
  version     Show the versions of Postbell and what it stands on.
"""
