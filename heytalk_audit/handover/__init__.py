"""After the audit: sign-off, resolution of pseudonyms, records of processing, destruction of the snapshot."""
