"""One writer per partition: inbox in, `decide`, one commit out.

`partition` folds and is pure, `writes` says what a fold is stored as, `keeper` does the
reading and committing, `role` decides which partitions this process keeps.
"""
