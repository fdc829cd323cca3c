"""Security Center (Sas 2018-12-03): the protocol, the operations and their errors."""
