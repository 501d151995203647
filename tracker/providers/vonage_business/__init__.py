"""Vonage Business Communications (VBC): stored recordings, nothing live.

Shape:
    JSON over HTTP under ``/t/vbc.prod/call_recording/api`` (``…/v1/api`` in tutorials),
    a bearer token by password or by refresh token. Ids, `caller_id` and `extensions`
    are numbers in the examples and strings in the schema; `rule_ids` may hold empty
    objects. Dates are ``2019-01-01T00:00:00+0000``, durations milliseconds.
Identity:
    The company's recordings, and on-demand ones per user, each with ids of their own.
    ``self`` stands for the account and the user who logged in. `call_id` names the
    call; nothing tells whether another API uses the same one.
Paging:
    Pages count from 1, while the links count from 0 and lead nowhere. What comes or
    goes meanwhile shifts pages: so the start of the last recording is the next page's
    bound, and page numbers are used only within one second.
Tokens:
    Access 24 h, less than that in an example. A refresh token lives 7 days and is good
    for one use: the answer to it is the only place that its successor is ever in.
Exports:
    Jobs are found under a user. Under whom a company's is, is not said: assumed is the
    user who logged in. Of a job's `status` only ``complete`` is shown anywhere.
Limits:
    No live control, no events, no rate limit known, no bodies of errors known; a
    sister API says ``code`` 401 with the status 404. Whether a part of a file can be
    asked for is not said. Deleting says nothing about the audio.
Source:
    developer.vonage.com, Vonage Business Cloud, Call Recording API, Create an access
    token.
"""
