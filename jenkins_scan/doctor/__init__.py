"""What `jenkins-scan doctor` looks at: one file for each check, and what all of them are told by.

A check reads and never writes, opens no task and uses no quota. It returns an `Outcome` or raises a `ScanError`, of
which `rounds` makes one.
"""
