"""What people state, as data: accepted exceptions, attestations, findings, processing, incidents. Read strictly, before an audit begins."""
