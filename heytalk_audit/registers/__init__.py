"""What people state, as data: accepted exceptions, attestations, findings. Read strictly, before an audit begins."""
