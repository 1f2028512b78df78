"""What `--json` prints, and the HTTP API answers. Keys stay and keep their meaning; new ones may be added.

Every line that is printed is one object and begins with `"schema_version": 1`. Instants are ISO 8601 in UTC
with a Z at the end, null where there is none; `local` is the clock on the wall in `zone`, without an offset.

    post      {id, state, outcome, text, segments: [text], comment, title, link, at, local, zone,
              external_id, labels, late_limit_seconds, not_after, delete_after_seconds, allow_duplicate, bare,
              unchecked, series, slot, turn, touched, media: [media], overrides, deliveries: [delivery],
              created_at, updated_at, version}; `external_id` is what its caller calls it,
              `segments` are the parts of a thread after the first, `comment` the first comment {text,
              after_seconds}, `at` is the earliest of its times: each account has its own, `due_at`,
              `series`, `slot` and `turn` say what has made it, `touched` that it was changed by hand since
              what changes a post also prints {notes: [text], problems: [problem], moved: [id]}: what a draft
              still lacks, which pictures have no alt text, what may come in the way of its time, and which
              posts moved down the queue for it
    media     {name, alt, part, mime, size, width, height, sha256}; `part` of a thread shows it
    delivery  {account, network, state, outcome, due_at, zone, placed_by, placed_why, stream,
              late_limit_seconds, expires_at, try_at, tries, begun_at, ended_at, public_at, late_seconds,
              late_reason, receipt_id, url, delete_at, deleted_at, edit_at, edited_at, message,
              warnings: [text]}; `zone` is that of a time of its own, null where it is that of the post,
              `placed_by` is queue, auto or library, null where the user has named the time; since `public_at`
              it is public; at `edit_at` it is changed where it is public, at `edited_at` it last was
    revision  {version, until, text, segments: [text], title, link, alts: [text], overrides}: what a published
              post said before it was changed
    reading   {post, account, read_at, counts: {what: count}}; what is likes, reposts, replies, quotes or
              comments, as far as its network tells
    attempt   {post, account, kind, started_at, ended_at, result, message}
    account   {name, network, server, handle, health, health_note, paused_at, paused_until, rests_until,
              rest_reason, next_post_at, late_limit_seconds, min_gap_seconds, cooldown_seconds, quotas: {per:
              most}, signature, utm: {parameter: pattern}, utm_sites: [host], values, created_at}; secrets in
              `values` are "***"
    profile   {account, handle, url, notes: [text]}; of several accounts those that fail {account, error}
    preview   {account, network, at, placed_why, lengths: {unit: {count, limit}}, parts: [lengths], given:
              [media], media: [media], calls: [{method, url, headers, body}], problems: [problem], warnings:
              [problem]}; `given` are the files as they are, `media` as they are sent, `parts` the lengths of
              each part of a thread, `lengths` of the longest
    problem   {where, message, account}
    error     {error: {code, message, problems: [problem]}}, on standard error; `code` is the kind of error
              (not_found, invalid, conflict, disk_full, ...), `usage`, or `fault` for one of Postbell's own

What each command prints:

    list, wait              post, a line for each
    show                    post with {readings: [reading], comments: [{account, state, due_at, url,
                            message}], revisions: [revision]}, the latest reading of each account, and how its
                            first comment does: it is waiting, sending, unsure, published or failed
    metrics                 reading, a line for each, the oldest first
    add, edit, reschedule, publish, cancel, retry, settle   post with {notes, problems, moved}
    add --dry-run           preview, a line for each account
    edit --published --dry-run   {account, network, url, changes: [line]}, a line for each account
    delete                  post as it was, with {deleted: true}
    unpublish               post
    log                     attempt, a line for each
    run                     nothing; its log goes to standard error, as `log.format` in the configuration says
    init, version           told in `postbell.cli.setup`
    account                 told in `postbell.cli.accounts`
    networks                told in `postbell.cli.networks`
    status, doctor          told in `postbell.cli.health`
    notify                  told in `postbell.cli.notify`
    pause, resume           told in `postbell.cli.pause`
    queue                   told in `postbell.cli.queue`
    engagement              told in `postbell.cli.engagement`
    key                     told in `postbell.cli.keys`
    hook                    told in `postbell.cli.hooks`
    series                  told in `postbell.cli.series`
    db                      told in `postbell.cli.db`
    demo                    told in `postbell.cli.demo`
"""
