"""From sources into inboxes: who observes what, in which order it is told, who lives.

`story` numbers what one source tells, `writer` appends it, `runner` observes one source
for as long as its lease holds, `supervisor` decides which sources this process owns.
`role` is all of it, as a process runs it.
"""
